#include "tensor/workspace.h"

#include <algorithm>

namespace lq {
namespace {

constexpr std::int64_t kLeast = std::int64_t{1} << 20;  // floats of a chunk
constexpr std::int64_t kAlign = 16;                     // floats: one cache line

}  // namespace

std::int64_t Workspace::bytes() const {
  std::int64_t sum = 0;
  for (const auto& chunk : chunks_) sum += static_cast<std::int64_t>(chunk.bytes());
  return sum;
}

void Workspace::clear() {
  chunks_.clear();
  chunk_ = 0;
  used_ = 0;
}

Tensor Workspace::chunk(std::int64_t count) const {
  return make_ == nullptr ? Tensor::empty(DType::kF32, {count}) : make_(device_, DType::kF32, {count});
}

float* Workspace::take(std::int64_t count) {
  const std::int64_t need = (std::max<std::int64_t>(count, 1) + kAlign - 1) / kAlign * kAlign;
  if (chunk_ < chunks_.size() && used_ > 0 && used_ + need > chunks_[chunk_].numel()) {
    ++chunk_;
    used_ = 0;
  }
  // Chunks from here on are free: one that is too small makes way.
  if (chunk_ < chunks_.size() && used_ == 0 && chunks_[chunk_].numel() < need) {
    chunks_[chunk_] = Tensor();
    chunks_[chunk_] = chunk(need);
  }
  if (chunk_ == chunks_.size()) chunks_.push_back(chunk(std::max(need, kLeast)));
  float* at = chunks_[chunk_].mutable_data<float>() + used_;
  used_ += need;
  return at;
}

}  // namespace lq
