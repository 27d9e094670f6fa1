#include "train/gradient_arena.h"

#include <utility>

#include "base/error.h"
#include "ops/device_memory.h"
#include "ops/elementwise.h"

namespace lq {
namespace {

constexpr std::int64_t kAlign = 16;  // floats

std::int64_t slice_size(const Parameter* p) { return (p->value.numel() + kAlign - 1) / kAlign * kAlign; }

}  // namespace

std::int64_t GradientArena::size_for(const std::vector<Parameter*>& parameters) {
  std::int64_t size = 0;
  for (const Parameter* p : parameters) size += slice_size(p);
  return size;
}

GradientArena::GradientArena(Context& ctx, std::vector<Parameter*> parameters)
    : parameters_(std::move(parameters)) {
  const Device device = parameters_.empty() ? ctx.device : parameters_.front()->value.device();
  for (const Parameter* p : parameters_) {
    LQ_CHECK(p->trainable(), kInvalidArgument, "[train] {} has no gradient", p->name);
    LQ_CHECK(p->value.device() == device, kInvalidArgument, "[train] {} is on {}, but {} on {}", p->name,
             device_text(p->value.device()), parameters_.front()->name, device_text(device));
  }
  // The single ones go first: both at once would take twice the memory.
  for (Parameter* p : parameters_) p->grad = Tensor();
  buffer_ = empty_tensor(device, DType::kF32, {1, size_for(parameters_)});
  clear(ctx);
  slice();
}

void GradientArena::slice() {
  std::int64_t at = 0;
  for (Parameter* p : parameters_) {
    p->grad = buffer_.slice(DType::kF32, p->value.shape(), static_cast<std::size_t>(at) * sizeof(float));
    at += slice_size(p);
  }
}

void GradientArena::clear(Context& ctx) { fill(ctx, all(), 0.0F); }

Tensor GradientArena::another() const { return empty_tensor(buffer_.device(), DType::kF32, buffer_.shape()); }

void GradientArena::exchange(Tensor& buffer) {
  LQ_ASSERT(buffer.numel() == buffer_.numel() && buffer.device() == buffer_.device());
  std::swap(buffer, buffer_);
  slice();
}

}  // namespace lq
