// Rows of a matrix as the data of a GGUF file's tensor, in its type and its order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/parallel.h"
#include "formats/gguf/gguf_writer.h"

namespace lq {

struct GgufRows {
  std::string name;  // in the file
  ggml::GgmlType type = ggml::GgmlType::kF32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  // As gguf_view has it (gguf_form.h): 0, or the rows of each head where the file has them in llama.cpp's
  // order. REQUIRES: even, and divides rows.
  std::int64_t head_dim = 0;
  float added = 0.0F;      // to each element in the file
  std::int64_t stack = 0;  // of how many matrices under this name it is one, written in their order; 0: alone
};

// Writes w [rows, cols], rows in Hugging Face's order. type: one that needs no search (plain_encode.h).
// Returns the squared error of rounding to it. Throws Error(kUnsupported) naming `who` for a value beyond the
// type, and what the writer throws.
double write_gguf_rows(ThreadPool& pool, GgufWriter& writer, const GgufRows& tensor, const float* w,
                       std::string_view who);

// The same of rows that are blocks of the type already.
void write_gguf_blocks(GgufWriter& writer, const GgufRows& tensor, std::span<const std::uint8_t> blocks);

}  // namespace lq
