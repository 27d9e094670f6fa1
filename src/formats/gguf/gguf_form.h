// Tensors of a GGUF file as views with Hugging Face's order of rows.
#pragma once

#include <cstdint>
#include <string>

#include "formats/gguf/gguf_file.h"
#include "tensor/tensor_view.h"

namespace lq {

// How a tensor lies otherwise than Hugging Face's.
struct GgufChange {
  // 0, or the rows that each head has in a tensor whose rows llama.cpp's converter put in another order:
  // rotary positions turn row j of a head with row j + head_dim / 2 at Hugging Face, and rows 2j and 2j + 1
  // with each other at llama.cpp's kind "llama".
  std::int64_t head_dim = 0;
  // What the converter added to each element: 1 to the norms of Gemma, which multiply by 1 + w.
  float added = 0.0F;
};

// A view of the tensor under this name, with all changes undone. Elements in blocks are decoded when they are
// read; the others lie in the file as ours do.
// Throws Error(kCorruptFile) starting with `who` where the rows are no multiple of head_dim, or head_dim is
// odd.
TensorView gguf_view(const GgufFile::Tensor& tensor, std::string name, const GgufChange& change,
                     const std::string& who);

// Matrix `index` of a tensor [matrices, rows, cols]. REQUIRES: three dimensions, and that there is one.
TensorView gguf_matrix_of_stack(const GgufFile::Tensor& stack, std::int64_t index, std::string name,
                                const std::string& who);

// Which row of Hugging Face's order lies at row `stored` of such a tensor.
std::int64_t gguf_row_of_stored(std::int64_t stored, std::int64_t head_dim);

}  // namespace lq
