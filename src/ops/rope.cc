#include "ops/rope.h"

#include <algorithm>

#include "backends/cpu/rope.h"
#include "backends/cuda/tokens.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

// Floats of a table that goes with each rotation: memory of its own, and waiting for it, would take longer.
constexpr std::size_t kFewAngles = 4096;

void rotate(Context& ctx, const RopeTable& table, std::int64_t heads, bool inverse, Matrix x) {
  const auto tokens = static_cast<std::int64_t>(table.cos.size()) / std::max<std::int64_t>(1, table.half);
  LQ_CHECK(x.rows == tokens && x.cols % heads == 0 && x.cols / heads >= 2 * table.half, kMismatch,
           "[ops] rope x: [{}, {}], but {} tokens of {} heads with at least {} dimensions were expected",
           x.rows, x.cols, tokens, heads, 2 * table.half);
  switch (x.device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::rope_rotate(ctx, table.cos.data(), table.sin.data(), table.half, heads, inverse,
                                        x);
    case DeviceKind::kCuda: {
      if (!table.both.empty()) {
        return backends::cuda::rope_rotate(queue_of(ctx, "rope", x.device), x.rows, heads, x.cols / heads,
                                           table.half, table.both.data(), inverse, x.data);
      }
      const bool there = table.on_device != nullptr && table.on_device->device() == x.device;
      LQ_CHECK(there, kMismatch, "[ops] rope: x is on {}, the table of angles is not", device_text(x.device));
      const auto* const cos = table.on_device->data<float>();
      return backends::cuda::rope_rotate(queue_of(ctx, "rope", x.device), x.rows, heads, x.cols / heads,
                                         table.half, cos, cos + x.rows * table.half, inverse, x.data);
    }
  }
}

}  // namespace

RopeTable make_rope_table(Context& ctx, std::span<const std::int32_t> positions,
                          std::span<const float> inv_freq, float attention_factor) {
  RopeTable table;
  table.half = std::ssize(inv_freq);
  table.cos.resize(positions.size() * inv_freq.size());
  table.sin.resize(table.cos.size());
  backends::cpu::rope_table(ctx, positions, inv_freq, attention_factor, table.cos, table.sin);
  if (!ctx.device.is_cpu() && !table.cos.empty()) {
    table.both = table.cos;
    table.both.insert(table.both.end(), table.sin.begin(), table.sin.end());
    if (table.both.size() <= kFewAngles) return table;
    const Tensor both = Tensor::borrow(DType::kF32, {2, std::ssize(positions), table.half},
                                       reinterpret_cast<const std::byte*>(table.both.data()));
    table.on_device = std::make_shared<const Tensor>(copy_to_device(ctx, both));
    table.both.clear();
  }
  return table;
}

void rope_forward(Context& ctx, const RopeTable& table, std::int64_t heads, Matrix x) {
  rotate(ctx, table, heads, false, x);
}

void rope_backward(Context& ctx, const RopeTable& table, std::int64_t heads, Matrix dx) {
  rotate(ctx, table, heads, true, dx);
}

}  // namespace lq
