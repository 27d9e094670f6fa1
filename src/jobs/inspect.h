// What a file or folder is: ours, Hugging Face's, PEFT's, GGUF's, a sweep table or an allocation.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/parallel.h"

namespace lq {

struct InspectedTensor {
  std::string name, shape, type;  // type: "BF16", or "nf 3,8,fp32,64,256" for a packed matrix
  double bits_per_weight = 0.0;   // as stored
  std::int64_t bytes = 0;
  // Of the low-rank part beside a packed matrix, and the bits per weight of both; nothing without an adapter.
  std::optional<std::int64_t> rank = {};
  double bits_with_low_rank = 0.0;
};

struct Inspection {
  std::string
      kind;  // "dense model", "packed model", "PEFT LoRA adapter", "safetensors file", "GGUF file", ...
  std::vector<std::pair<std::string, std::string>> facts;  // "bits per weight": "3.127"
  std::vector<InspectedTensor> tensors;
  nlohmann::ordered_json to_json() const;
};

// hash: also compute the content hash where there are weights (reads every byte).
// Throws Error(kNotFound) for a missing path, Error(kUnsupported) for something else, and what the readers
// throw.
Inspection inspect_path(ThreadPool& pool, const std::filesystem::path& path, bool hash = true);

}  // namespace lq
