// What quantize_model writes when every matrix is decomposed: the packed directory with its adapter, or GGUF
// files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/work_store.h"
#include "jobs/quantize_model.h"
#include "tensor/context.h"

namespace lq {

// The finished matrices of a job and what they are of. Borrowed.
struct QuantizedPieces {
  const QuantizeOptions& options;
  const Checkpoint& model;
  const std::vector<const TensorView*>& selected;
  const WorkStore& store;  // one piece for each of `selected`, by its name
};

// A matrix of the store. Throws Error(kCorruptFile) where it is not there or damaged.
WorkItem finished_piece(const WorkStore& store, const std::string& name);

// The packed model in DIRECTORY, which exists, and its low-rank part, where there is one, in
// DIRECTORY/adapter.
void write_quantized(Context& context, const QuantizedPieces& pieces, const std::filesystem::path& directory);

// DIRECTORY/model.gguf, and where there is a low-rank part DIRECTORY/adapter.gguf and DIRECTORY/adapter. What
// is read a matrix at a time lies in packed_directory meanwhile, which is removed.
void write_quantized_gguf(Context& context, const QuantizedPieces& pieces,
                          const std::filesystem::path& packed_directory,
                          const std::filesystem::path& directory);

}  // namespace lq
