// Writes a model as its architecture's files have it (stored_layout.h), from tensors by the model's own names
// and in its own layout: transposed weights, and stacks of the experts.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "files/json_object.h"
#include "formats/gpt_oss_layout.h"
#include "formats/sharded_writer.h"

namespace lq {

// Tensors may come in any order, each whole. Not thread-safe. Memory: of a stack what waits for its other
// half (an expert's gate for its up, or the other way round).
class StoredWriter {
 public:
  // config: the model's; it outlives this. own: all tensors, in the model's layout. Throws Error(kMismatch)
  // naming a stack whose experts differ in type or shape or are not all there, and what ShardedWriter throws.
  StoredWriter(const std::filesystem::path& directory, const JsonObject& config,
               const std::vector<TensorSpec>& own, const ShardOptions& options = {});

  // Of the announced dtype and shape.
  void write(const std::string& name, Tensor values);
  // In f32, to be rounded to the announced dtype.
  void write_f32(const std::string& name, Tensor values);
  // As ShardedWriter::finish.
  std::vector<std::string> finish();

 private:
  struct Piece {
    ExpertPlace place;
    TensorSpec spec;  // in the model's layout
  };
  static std::vector<TensorSpec> stacked(const JsonObject& config, const std::vector<TensorSpec>& own,
                                         std::unordered_map<std::string, Piece>& pieces);
  void put(const Piece& piece, Tensor values);

  const JsonObject& config_;
  std::unordered_map<std::string, Piece> pieces_;    // by their own names
  std::unordered_map<std::string, Tensor> waiting_;  // by stack and expert
  ShardedWriter writer_;
};

}  // namespace lq
