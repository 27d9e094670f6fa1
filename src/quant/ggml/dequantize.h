// Weights of ggml's types as f32, with the bits that ggml's own reference gives.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/ggml/ggml_type.h"

namespace lq::ggml {

// out[0 .. count) = weights begin .. begin + count of a run of blocks at x. begin and count need not be whole
// blocks. REQUIRES: x holds the blocks that these weights lie in; the type is no integer (kI8 to kI64).
void dequantize(GgmlType type, const std::byte* x, std::int64_t begin, std::int64_t count, float* out);

}  // namespace lq::ggml
