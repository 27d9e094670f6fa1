// A packed model and its low-rank part, or a GGUF file, as a dense Hugging Face directory that any program
// loads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "formats/checkpoint.h"
#include "tensor/context.h"
#include "tensor/dtype.h"

namespace lq {

struct HfExportOptions {
  std::filesystem::path model;  // for the overload that opens it: packed by us
  // The low-rank part, a PEFT adapter of this base. Unset: model/adapter where there is one.
  std::optional<std::filesystem::path> adapter;
  bool without_adapter = false;  // Q alone, even where there is an adapter
  // false: weights W' = Q + s B A. true: weights Q, and a PEFT adapter for them in OUT/adapter. In a 16-bit
  // source dtype Q is rounded to it, as W' is.
  bool keep_adapter = false;
  std::optional<DType> dtype;  // of the written matrices; unset: what each was before it was packed
  std::filesystem::path out;
  std::uint64_t max_shard_bytes = 5'000'000'000;
  bool overwrite = false;
};

struct HfExportReport {
  std::int64_t matrices = 0;
  std::int64_t adapted = 0;   // of them merged with, or accompanied by, a low-rank part
  std::int64_t replaced = 0;  // dense weights that the adapter holds whole (modules_to_save), merged
  std::int64_t output_bytes = 0;
  // ||stored - exact||_F / ||exact||_F over all matrices: what rounding to the written dtype costs.
  double rounding_error = 0.0;
  bool already_done = false;
};

nlohmann::ordered_json to_json(const HfExportReport& report);

// Streams one matrix at a time; a GGUF file by export_decoded (decoded_export.h). Throws Error: kMismatch for
// a dense model or an adapter of another base (both hashes named) or of other shapes, and what the readers
// and the output folder throw.
HfExportReport export_hf(Context& context, const CheckpointPtr& model, const HfExportOptions& options);
// Opens options.model.
HfExportReport export_hf(Context& context, const HfExportOptions& options);

}  // namespace lq
