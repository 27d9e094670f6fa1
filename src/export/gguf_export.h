// A model as one GGUF file that llama.cpp runs: everything merged, or packed by us in ggml's types and left
// as it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>

#include "export/gguf_source.h"
#include "formats/checkpoint.h"
#include "tensor/context.h"

namespace lq {

struct GgufExportOptions {
  std::filesystem::path model = {};  // for the overload that opens it: dense, packed by us, or GGUF
  // The low-rank part, merged. Unset: model/adapter where there is one.
  std::optional<std::filesystem::path> adapter = {};
  bool without_adapter = false;
  GgufTypes types = {};
  std::string pre_tokenizer = {};  // tokenizer.ggml.pre; empty: found by the tokenizer's rules
  std::string name = {};           // general.name; empty: the model's file or folder
  std::filesystem::path out = {};  // the file
};

struct GgufExportReport {
  std::int64_t tensors = 0;
  std::int64_t adapted = 0;     // merged with a low-rank part
  std::int64_t replaced = 0;    // that the adapter holds whole
  double rounding_error = 0.0;  // ||stored - exact||_F / ||exact||_F
  std::int64_t output_bytes = 0;
};

nlohmann::ordered_json to_json(const GgufExportReport& report);

// The file alone, without a job around it: for jobs that have one. adapter: merged; null: none. Streams a
// matrix at a time. Throws what GgufSource, add_gguf_tokenizer and the writer throw.
GgufExportReport write_gguf_model(Context& context, const CheckpointPtr& model,
                                  const PeftAdapterReader* adapter, const GgufExportOptions& options);

// Before any work: throws what write_gguf_model would throw for the model's config and tokenizer, and
// Error(kUnsupported) where a matrix has rows that none of ggml's blocks fit.
void check_gguf_output(const Checkpoint& model, std::span<const TensorView* const> matrices);

// Throws Error(kMismatch) for an adapter of another base (both hashes named); Error(kInvalidArgument) where
// options.out is something else than a GGUF file.
GgufExportReport export_gguf(Context& context, const CheckpointPtr& model, const GgufExportOptions& options);
// Opens options.model.
GgufExportReport export_gguf(Context& context, const GgufExportOptions& options);

}  // namespace lq
