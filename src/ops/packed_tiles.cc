#include "ops/packed_tiles.h"

#include <algorithm>
#include <utility>

#include "backends/cuda/tiles.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

bool gains(const Context& ctx, const backends::PackedView& w) {
  return !ctx.device.is_cpu() && w.layout == backends::PackedLayout::kCodebook &&
         backends::cuda::gains_by_tiles(*ctx.queue, w.codebook);
}

}  // namespace

std::int64_t tile_growth(const Context& ctx, const backends::PackedView& w) {
  if (!gains(ctx, w)) return 0;
  const auto& v = w.codebook;
  const backends::cuda::TileBytes tiles = backends::cuda::tile_bytes(v);
  const std::int64_t groups = w.rows * w.cols / backends::kNfGroup;
  const std::int64_t scale_groups = (groups + backends::kNfGroup - 1) / backends::kNfGroup;
  const std::int64_t file = groups * 8 * v.format.bits + scale_groups * 8 * v.format.scale_bits;
  return std::max<std::int64_t>(0, tiles.codes + tiles.scales - file);
}

void to_tiles(Context& ctx, PackedOnDevice& w) {
  if (!gains(ctx, w.view)) return;
  LQ_CHECK(w.view.device == ctx.device, kInternal, "[ops] to_tiles: the weight is on {}, the work on {}",
           device_text(w.view.device), device_text(ctx.device));
  const backends::cuda::TileBytes bytes = backends::cuda::tile_bytes(w.view.codebook);
  Tensor codes = empty_tensor(ctx.device, DType::kU8, {bytes.codes});
  Tensor scales = empty_tensor(ctx.device, DType::kU8, {bytes.scales});
  backends::cuda::pack_tiles(queue_of(ctx, "to_tiles", ctx.device), w.view.codebook,
                             codes.mutable_data<std::uint8_t>(), scales.mutable_data<std::uint8_t>());
  const auto replace = [&](const void* old, Tensor with) {
    const auto at = std::ranges::find_if(w.parts, [old](const Tensor& part) { return part.raw() == old; });
    if (at != w.parts.end()) *at = std::move(with);
  };
  const std::uint8_t* const old_codes = w.view.codebook.codes;
  const std::uint8_t* const old_scales = w.view.codebook.scales;
  w.view.layout = backends::PackedLayout::kTiles;
  w.view.codebook.codes = codes.data<std::uint8_t>();
  w.view.codebook.scales = scales.data<std::uint8_t>();
  replace(old_codes, std::move(codes));
  replace(old_scales, std::move(scales));
}

}  // namespace lq
