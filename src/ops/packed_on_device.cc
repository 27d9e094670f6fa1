#include "ops/packed_on_device.h"

#include <algorithm>

#include "base/error.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

using backends::PackedLayout;
using backends::PackedView;

std::int64_t whole(std::int64_t count, std::int64_t each) { return (count + each - 1) / each; }

std::int64_t scale2_bytes(backends::ScaleDType type) { return type == backends::ScaleDType::kFp32 ? 4 : 2; }

std::int64_t dense_bytes(backends::DenseType type) { return type == backends::DenseType::kF32 ? 4 : 2; }

class Mover {
 public:
  Mover(Context& ctx, std::vector<Tensor>& parts) : ctx_(ctx), parts_(parts) {}

  // A copy of `bytes` bytes; its address on the device.
  const void* operator()(const void* from, std::int64_t bytes) {
    const Tensor host = Tensor::borrow(DType::kU8, {bytes}, static_cast<const std::byte*>(from));
    parts_.push_back(copy_to_device(ctx_, host));
    return parts_.back().raw();
  }

 private:
  Context& ctx_;
  std::vector<Tensor>& parts_;
};

}  // namespace

PackedOnDevice copy_to_device(Context& ctx, const PackedView& host) {
  LQ_CHECK(host.device.is_cpu(), kInternal, "[ops] copy_to_device: the weight is on {} already",
           device_text(host.device));
  PackedOnDevice out;
  out.view = host;
  out.view.device = ctx.device;
  Mover move(ctx, out.parts);
  const std::int64_t n = host.rows * host.cols;
  switch (host.layout) {
    case PackedLayout::kDense:
      out.view.dense.data = move(host.dense.data, n * dense_bytes(host.dense.type));
      break;
    case PackedLayout::kCodebook: {
      const backends::NfView& w = host.codebook;
      backends::NfView& to = out.view.codebook;
      const std::int64_t blocks = whole(n, w.format.block);
      constexpr std::int64_t kGroup = backends::kNfGroup;
      to.codes = static_cast<const std::uint8_t*>(move(w.codes, whole(n, kGroup) * 8 * w.format.bits));
      to.scales =
          static_cast<const std::uint8_t*>(move(w.scales, whole(blocks, kGroup) * 8 * w.format.scale_bits));
      to.scales2 = move(w.scales2, whole(blocks, w.format.block2) * scale2_bytes(w.format.scale2));
      // As many values as may be read of any codebook, 64 bytes at least.
      const std::int64_t values = std::max<std::int64_t>(16, std::int64_t{1} << w.format.bits);
      to.codebook = static_cast<const float*>(move(w.codebook, values * 4));
      break;
    }
    case PackedLayout::kIntRow: {
      const std::int64_t row = whole(host.cols * host.int_row.bits, 8);
      out.view.int_row.codes = static_cast<const std::uint8_t*>(move(host.int_row.codes, host.rows * row));
      out.view.int_row.scales = move(host.int_row.scales, host.rows * 4);
      break;
    }
  }
  return out;
}

}  // namespace lq
