#include "nn/kv_cache.h"

#include <algorithm>

#include "ops/device_memory.h"

namespace lq {

KvCache::KvCache(std::int64_t layers, std::int64_t width, std::int64_t capacity, Device device)
    : width_(width),
      capacity_(capacity),
      device_(device),
      keys_(static_cast<std::size_t>(layers)),
      values_(static_cast<std::size_t>(layers)) {}

std::int64_t KvCache::bytes() const {
  return 2 * std::ssize(keys_) * rows_ * width_ * static_cast<std::int64_t>(sizeof(float));
}

void KvCache::reserve(Context& ctx, std::int64_t count) {
  const std::int64_t need = length_ + count;
  LQ_CHECK(need <= capacity_, kInvalidArgument,
           "[generate] {} tokens would be in the context, but there is room for {}", need, capacity_);
  if (need <= rows_) return;
  rows_ = std::min(capacity_, std::max({need, 2 * rows_, std::int64_t{64}}));
  for (auto* side : {&keys_, &values_}) {
    for (Tensor& layer : *side) {
      Tensor grown = empty_tensor(device_, DType::kF32, {rows_, width_});
      if (length_ > 0) {
        const auto kept = static_cast<std::size_t>(length_ * width_);
        copy_values(ctx, {layer.data<float>(), kept, device_}, span_of<float>(grown).subspan(0, kept));
      }
      layer = std::move(grown);
    }
  }
}

Matrix KvCache::keys(std::int64_t layer, std::int64_t count) {
  return {keys_[static_cast<std::size_t>(layer)].mutable_data<float>(), length_ + count, width_, device_};
}

Matrix KvCache::values(std::int64_t layer, std::int64_t count) {
  return {values_[static_cast<std::size_t>(layer)].mutable_data<float>(), length_ + count, width_, device_};
}

void KvCache::put(std::int64_t layer, ConstMatrix k, ConstMatrix v) {
  std::copy_n(k.data, k.size(), keys(layer, k.rows).row(length_));
  std::copy_n(v.data, v.size(), values(layer, v.rows).row(length_));
}

void KvCache::truncate(std::int64_t length) {
  LQ_CHECK(length >= 0 && length <= length_, kInvalidArgument, "[generate] cannot cut {} cached tokens to {}",
           length_, length);
  length_ = length;
}

void KvCache::begin_with(const KvCache& from, std::int64_t length) {
  LQ_CHECK(length <= from.length_ && width_ == from.width_ && keys_.size() == from.keys_.size(),
           kInvalidArgument, "[generate] {} tokens cannot come from a cache of {}", length, from.length_);
  length_ = 0;
  reserve(length);
  const auto bytes = static_cast<std::size_t>(length * width_) * sizeof(float);
  if (bytes > 0) {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      std::memcpy(keys_[i].mutable_raw(), from.keys_[i].raw(), bytes);
      std::memcpy(values_[i].mutable_raw(), from.values_[i].raw(), bytes);
    }
  }
  length_ = length;
}

}  // namespace lq
