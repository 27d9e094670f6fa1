// The element types that tensors have in ggml's files: rows of blocks, each block a fixed number of weights
// in a fixed number of bytes. Multi-byte fields are little endian; nothing is aligned.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tensor/dtype.h"

namespace lq::ggml {

// The values are the format's own, as files hold them: never renumber.
enum class GgmlType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIq2Xxs = 16,
  kIq2Xs = 17,
  kIq3Xxs = 18,
  kIq1S = 19,
  kIq4Nl = 20,
  kIq3S = 21,
  kIq2S = 22,
  kIq4Xs = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIq1M = 29,
  kBf16 = 30,
  kTq1_0 = 34,
  kTq2_0 = 35,
  kMxfp4 = 39,
  kNvfp4 = 40,
};

struct GgmlTypeInfo {
  GgmlType type;
  std::string_view name;    // "Q4_K", as llama.cpp prints it
  std::int64_t weights;     // of a block; a row holds whole blocks
  std::int64_t bytes;       // of a block
  std::optional<DType> as;  // the same elements as one of ours; nothing for those in blocks

  double bits_per_weight() const { return 8.0 * static_cast<double>(bytes) / static_cast<double>(weights); }
};

// Null for a number that no type has, or one of a type that is not read.
const GgmlTypeInfo* find_type(std::uint32_t number);
// REQUIRES: a value of the enumeration.
const GgmlTypeInfo& type_info(GgmlType type);
// For messages: the name of a number, also of types that ggml dropped or keeps for products only ("Q8_K,
// which no file has", "Q4_0_4_8, which ggml dropped"), else "42".
std::string_view type_text(std::uint32_t number);

}  // namespace lq::ggml
