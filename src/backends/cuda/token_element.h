// Rows of a table by token id, and rotary positions, as CUDA threads share them (tokens.cu).
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/packed_element.h"

namespace lq::backends::cuda {

// Element i of x: [tokens, dim].
struct EmbeddingForward {
  DenseView table;
  std::int64_t dim;
  const std::int32_t* ids;
  float* x;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    x[i] = load_dense(table, std::int64_t{ids[i / dim]} * dim + i % dim);
  }
};

// Column i: tokens in their order, so that two with one id always add the same way.
struct EmbeddingBackward {
  std::int64_t tokens, dim;
  const std::int32_t* ids;
  const float* dx;
  float* dtable;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    for (std::int64_t t = 0; t < tokens; ++t) dtable[std::int64_t{ids[t]} * dim + i] += dx[t * dim + i];
  }
};

// Pair i of x: [tokens, heads, head_dim]: elements p and p + half of a head, turned by the token's angle p.
struct RopeRotate {
  std::int64_t half, head_dim, heads;
  const float *cos, *sin;  // [tokens, half]
  bool inverse;
  float* x;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t p = i % half;
    const std::int64_t head = i / half;  // of all tokens
    const std::int64_t angle = head / heads * half + p;
    const float c = cos[angle];
    const float s = inverse ? -sin[angle] : sin[angle];
    float* const a = x + head * head_dim + p;
    float* const b = a + half;
    const float va = *a;
    const float vb = *b;
    *a = va * c - vb * s;
    *b = vb * c + va * s;
  }
};

}  // namespace lq::backends::cuda
