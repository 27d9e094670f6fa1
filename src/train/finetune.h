// The whole job of `lqlora finetune`: model, data, low-rank parts, training, and an adapter (or, where all of
// a dense model learns, a model) in a folder that becomes visible whole.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "tensor/context.h"
#include "train/finetune_report.h"
#include "train/lora_setup.h"
#include "train/trainer.h"
#include "train/training_data.h"

namespace lq {

struct FinetuneOptions {
  std::filesystem::path model;  // for the overload that opens it
  std::filesystem::path out;
  std::filesystem::path adapter = {};  // to start from; empty: MODEL/adapter of a packed model
  // All parameters of a dense model learn, and `out` becomes a model; `lora` stays unused.
  bool full = false;
  bool overwrite = false;  // discard what another job of ours left in `out`

  TrainingDataOptions data = {};
  LoraOptions lora = {};
  TrainOptions train = {};
  bool choose_activations = true;  // train.activations by the memory there is
  bool compress = false;           // the factors in NF8 at the end (compress_adapter.h)
};

// Into `out`: adapter_config.json, adapter_model.safetensors (with `full`: a dense Hugging Face model),
// log.jsonl, a TensorBoard event file, lqlora.json, and best/ with the adapter (model) of the best
// validation. While it runs, checkpoints and logs lie in out/.work/store; the same call goes on from there.
// Throws Error(kInvalidArgument) naming what differs where `out` holds another job, Error(kIo) where another
// process works on it; and what reading, training and writing throw.
FinetuneReport finetune(Context& ctx, const CheckpointPtr& model, const FinetuneOptions& options);
// Opens options.model.
FinetuneReport finetune(Context& ctx, const FinetuneOptions& options);

}  // namespace lq
