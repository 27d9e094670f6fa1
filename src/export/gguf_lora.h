// A low-rank part as the GGUF file that llama.cpp's --lora loads beside its base, as llama.cpp's own
// convert_lora_to_gguf.py writes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "export/packed_adapter.h"
#include "formats/checkpoint.h"
#include "quant/ggml/ggml_type.h"
#include "tensor/context.h"

namespace lq {

struct GgufLoraOptions {
  std::filesystem::path model = {};    // for the overload that opens it: the base, whatever it is stored as
  std::filesystem::path adapter = {};  // PEFT's, of that base
  ggml::GgmlType type = ggml::GgmlType::kF32;  // of A and B: F32, F16, BF16; Q8_0 where rows are whole blocks
  std::filesystem::path out = {};              // the file
};

struct GgufLoraReport {
  std::int64_t modules = 0;
  std::int64_t rank = 0;  // the largest
  std::int64_t output_bytes = 0;
};

nlohmann::ordered_json to_json(const GgufLoraReport& report);

// The file alone, without a job around it. One alpha stands for all modules: where a module's scaling is not
// alpha / rank (rsLoRA, alphas of its own), its B is multiplied by what is missing. Throws
// Error(kUnsupported) for what such a file cannot say: magnitudes (DoRA), whole tensors, a low-rank part
// of an embedding or head that are one tensor.
GgufLoraReport write_gguf_lora(Context& context, const CheckpointPtr& model, const PeftAdapterReader& adapter,
                               const GgufLoraOptions& options);

// Throws Error(kMismatch) for an adapter of another base (both hashes named); Error(kInvalidArgument) where
// options.out is something else than a GGUF file.
GgufLoraReport export_gguf_lora(Context& context, const CheckpointPtr& model, const GgufLoraOptions& options);
// Opens options.model.
GgufLoraReport export_gguf_lora(Context& context, const GgufLoraOptions& options);

}  // namespace lq
