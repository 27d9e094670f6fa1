// LQ-LoRA: compress and fine-tune language models. All of the library; docs/api.md tells of it on one page.
#pragma once

#include <string_view>

#include "lqlora/checkpoint.h"
#include "lqlora/context.h"
#include "lqlora/error.h"
#include "lqlora/evaluate.h"
#include "lqlora/export.h"
#include "lqlora/finetune.h"
#include "lqlora/generate.h"
#include "lqlora/model.h"
#include "lqlora/quantize.h"
#include "lqlora/tokenizer.h"

namespace lqlora {

// Of the library that is linked: "0.1.0".
std::string_view version();

}  // namespace lqlora
