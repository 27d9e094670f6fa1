// The whole job of `lqlora finetune`: model, data, low-rank parts, training, and an adapter in a folder that
// becomes visible whole.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tensor/context.h"
#include "train/compress_adapter.h"
#include "train/lora_setup.h"
#include "train/trainer.h"
#include "train/training_data.h"

namespace lq {

struct FinetuneOptions {
  std::filesystem::path model, out;
  std::filesystem::path adapter = {};  // to start from; empty: MODEL/adapter of a packed model
  bool from_zero = false;              // not even from that
  bool overwrite = false;              // discard what another job of ours left in `out`

  TrainingDataOptions data = {};
  LoraOptions lora = {};
  TrainOptions train = {};
  bool choose_activations = true;  // train.activations by the memory there is
  bool compress = false;           // the factors in NF8 at the end (compress_adapter.h)
};

struct FinetuneReport {
  TrainResult training;
  bool already_done = false;  // the same job was finished before
  std::int64_t examples = 0, validation_examples = 0;
  std::int64_t data_tokens = 0, trained_tokens = 0;
  std::int64_t bad = 0, truncated = 0, dropped = 0;
  std::int64_t modules = 0, parameters = 0;  // that learn
  std::optional<CompressedAdapter> compressed;
  double seconds = 0.0;
  std::int64_t peak_rss_bytes = 0;
};

nlohmann::ordered_json to_json(const FinetuneReport& report);
FinetuneReport finetune_report_from_json(const nlohmann::json& json, const std::string& who);

// Into `out`: adapter_config.json, adapter_model.safetensors, log.jsonl, a TensorBoard event file,
// lqlora.json, and best/ with the adapter of the best validation. While it runs, checkpoints and logs lie in
// out/.work/store; the same call goes on from there. Throws Error(kInvalidArgument) naming what differs where
// `out` holds another job, Error(kIo) where another process works on it; and what reading, training and
// writing throw.
FinetuneReport finetune(Context& ctx, const FinetuneOptions& options);

}  // namespace lq
