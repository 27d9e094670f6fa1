// What a fine-tuning run says of itself: --json, and "report" in the output's lqlora.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "data/data_report.h"
#include "train/compress_adapter.h"
#include "train/trainer.h"

namespace lq {

struct FinetuneReport {
  TrainResult training;
  bool already_done = false;  // the same job was finished before
  std::string reference;  // name of the model whose predictions were learnt: losses are divergences from it
  std::int64_t examples = 0, validation_examples = 0;
  std::int64_t data_tokens = 0, trained_tokens = 0;
  std::int64_t bad = 0, truncated = 0, dropped = 0;
  DataReport findings;                       // what of the data was left out or not understood
  std::int64_t modules = 0, parameters = 0;  // that learn
  std::optional<CompressedAdapter> compressed;
  nlohmann::ordered_json task;  // of a task with labels (LabelledTask::finish), else null
  double seconds = 0.0;
  std::int64_t peak_rss_bytes = 0;
};

nlohmann::ordered_json to_json(const FinetuneReport& report);
// Throws Error(kCorruptFile) starting with `who`.
FinetuneReport finetune_report_from_json(const nlohmann::json& json, const std::string& who);

}  // namespace lq
