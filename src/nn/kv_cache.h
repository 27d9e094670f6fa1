// Keys and values of the tokens that came before, for decoding. f32.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/attention.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace lq {

class KvCache {
 public:
  // width: kv_heads * head_dim. Grows by doubling up to `capacity` tokens.
  KvCache(std::int64_t layers, std::int64_t width, std::int64_t capacity, Device device = {});

  std::int64_t length() const { return length_; }
  std::int64_t capacity() const { return capacity_; }
  std::int64_t bytes() const;
  // Rows for `count` more tokens in every layer. Throws Error(kInvalidArgument) when they exceed the
  // capacity.
  void reserve(Context& ctx, std::int64_t count);
  // The first length() + count rows of a layer's keys and values, the last `count` of them to be written.
  // REQUIRES: reserve(count) came before.
  Matrix keys(std::int64_t layer, std::int64_t count);
  Matrix values(std::int64_t layer, std::int64_t count);
  // Writes the last rows of both: s.q_count after length() of them, s.kv_count together. k, v: [q_count,
  // width].
  void put(Context& ctx, std::int64_t layer, const AttentionSegment& s, ConstMatrix k, ConstMatrix v);
  // The tokens written by all layers count from now on.
  void advance(std::int64_t count) { length_ += count; }
  // Forgets all tokens from `length` on.
  void truncate(std::int64_t length);
  // Holds the first `length` tokens of another cache of the same layers and width, and no others. Throws
  // Error(kInvalidArgument) when they exceed the capacity. REQUIRES: length <= from.length(); from is not
  // this.
  void begin_with(Context& ctx, const KvCache& from, std::int64_t length);

 private:
  std::int64_t width_;
  std::int64_t capacity_;
  Device device_;
  std::int64_t rows_ = 0;  // allocated
  std::int64_t length_ = 0;
  std::vector<Tensor> keys_;
  std::vector<Tensor> values_;
};

}  // namespace lq
