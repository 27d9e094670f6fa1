// f32 as ggml's types that need no search: F32, F16, BF16 and Q8_0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/ggml/ggml_type.h"

namespace lq::ggml {

bool is_plain(GgmlType type);

// out = count weights, rounded to nearest; of Q8_0, blocks whose scale is the largest magnitude / 127, with
// the bits of ggml's own reference. Returns the squared error of it: infinity where a value is beyond the
// type (F16's 65504). REQUIRES: is_plain(type); count is a multiple of the block; x finite.
double encode_plain(GgmlType type, const float* x, std::int64_t count, std::byte* out);

}  // namespace lq::ggml
