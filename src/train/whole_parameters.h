// Parameters that learn as they are, without a low-rank part: what PEFT calls modules_to_save.
#pragma once

#include <vector>

#include "models/model.h"
#include "train/lora_setup.h"

namespace lq {

// Makes trainable what options.whole and options.label_head ask for, and options.replaced as in PEFT: not
// base layers of low-rank parts; with kStacked none, for there the adapter stays as it is. Returns all of
// these by name, each once. Throws Error(kInvalidArgument) for a name of options.whole that the model has
// nothing for, or has it packed.
std::vector<Parameter*> train_whole(Model& model, const LoraOptions& options);

}  // namespace lq
