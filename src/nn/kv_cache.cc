#include "nn/kv_cache.h"

#include <algorithm>
#include <utility>

#include "ops/cached_rows.h"
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

void KvCache::put(Context& ctx, std::int64_t layer, const AttentionSegment& s, ConstMatrix k, ConstMatrix v) {
  append_rows(ctx, s, k, v, keys(layer, s.q_count), values(layer, s.q_count));
}

void KvCache::truncate(std::int64_t length) {
  LQ_CHECK(length >= 0 && length <= length_, kInvalidArgument, "[generate] cannot cut {} cached tokens to {}",
           length_, length);
  length_ = length;
}

void KvCache::begin_with(Context& ctx, const KvCache& from, std::int64_t length) {
  LQ_CHECK(length <= from.length_ && width_ == from.width_ && keys_.size() == from.keys_.size(),
           kInvalidArgument, "[generate] {} tokens cannot come from a cache of {}", length, from.length_);
  length_ = 0;
  reserve(ctx, length);
  for (std::size_t i = 0; length > 0 && i < keys_.size(); ++i) {
    const auto count = static_cast<std::size_t>(length * width_);
    for (const auto& [source, target] :
         {std::pair{&from.keys_[i], &keys_[i]}, {&from.values_[i], &values_[i]}})
      copy_values(ctx, {source->data<float>(), count, from.device_},
                  span_of<float>(*target).subspan(0, count));
  }
  length_ = length;
}

}  // namespace lq
