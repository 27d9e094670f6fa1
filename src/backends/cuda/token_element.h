// Rows of a table by token id, and rotary positions, as CUDA threads share them (tokens.cu).
#pragma once

#include <cstdint>

#include "backends/attention_shape.h"
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

// Elements i of the last rows of keys, then of values: [kv_count, width], of which q_count rows are new.
struct AppendRows {
  AttentionSegment segment;
  const AttentionSegment* placed;  // on the device, where a graph finds it; null: segment
  std::int64_t width;
  const float *k, *v;  // [q_count, width]
  float *keys, *values;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const AttentionSegment& s = placed != nullptr ? *placed : segment;
    const std::int64_t count = s.q_count * width;
    const std::int64_t begin = (s.kv_count - s.q_count) * width;
    if (i < count) {
      keys[begin + i] = k[i];
    } else {
      values[begin + i - count] = v[i - count];
    }
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
