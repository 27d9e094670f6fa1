#include "decompose/device_trellis.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "backends/cuda/device.h"
#include "backends/cuda/product.h"
#include "decompose/device_waves.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"
#include "quant/trellis/trellis_matrix.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;

constexpr std::int64_t kTrellisGroup = 128;  // columns of a region, at least

std::int64_t group_cols(int block) { return std::max<std::int64_t>(kTrellisGroup, block); }

// What the elements of tiles count by along one side.
Tensor tile_lengths(Context& context, const LowerFactor& factor) {
  const std::int64_t n = factor.size();
  std::vector<float> lengths;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t within = i % backends::kTrellisSide;
    lengths.push_back(cuda::tile_length(factor.values().data(), n, i - within, static_cast<int>(within)));
  }
  return copy_to_device(context,
                        Tensor::borrow(DType::kF32, {n}, reinterpret_cast<const std::byte*>(lengths.data())));
}

}  // namespace

DeviceTrellis::DeviceTrellis(Context& context, std::int64_t rows, std::int64_t cols,
                             const Quantizer& quantizer, const Importance& importance,
                             const DeviceImportance& there)
    : context_(context),
      rows_(rows),
      cols_(cols),
      there_(there),
      rounding_(quantizer.trellis_rounding().value()),
      config_{rounding_.bits, rounding_.state_bits, rounding_.block},
      sizes_(trellis_sizes(rows, cols, config_, quantizer.name())) {
  const auto of = [&](DType type, std::int64_t count) { return empty_tensor(context.device, type, {count}); };
  const std::int64_t blocks = rows * sizes_.blocks;
  tiles_ = of(DType::kU8, sizes_.codes_bytes);
  scales_ = of(DType::kU8, sizes_.scales_bytes);
  scales2_ = of(DType::kF32, sizes_.groups);
  offset_ = of(DType::kF32, 1);
  targets_ = of(DType::kF32, blocks);
  products_ = of(DType::kF32, 2 * blocks);
  squares_ = of(DType::kF32, 2 * blocks);
  if (!feeds_back()) return;
  tile_cols_ = tile_lengths(context, *importance.right());
  if (there.left != nullptr) {
    tile_rows_ = tile_lengths(context, *importance.left());
    errors_ = of(DType::kF32, rows * cols);
  }
  for (Tensor* const panel : {&below_, &passed_, &before_, &units_})
    *panel = of(DType::kF32, rows * group_cols(config_.block));
}

std::int64_t DeviceTrellis::bytes(std::int64_t rows, std::int64_t cols, bool left, bool right) {
  const std::int64_t strips = (rows + backends::kTrellisSide - 1) / backends::kTrellisSide;
  const std::int64_t across = (cols + backends::kTrellisSide - 1) / backends::kTrellisSide;
  const std::int64_t blocks = rows * ((cols + kTrellisBlocks.front() - 1) / kTrellisBlocks.front());
  std::int64_t bytes = strips * across * 32 * kTrellisBits.back();
  bytes += blocks * (1 + 4 + 16) + 4 * (blocks / backends::kTrellisBlocks2 + 2);
  if (right) bytes += 4 * (cols + 4 * rows * group_cols(kTrellisBlocks.back()));
  if (left) bytes += 4 * (rows + rows * cols);
  return bytes + cuda::kPathBytes;
}

cuda::TrellisCodes DeviceTrellis::codes(int state_bits) {
  cuda::TrellisCodes c;
  c.rows = rows_;
  c.cols = cols_;
  c.bits = config_.bits;
  c.state_bits = state_bits;
  c.block = config_.block;
  c.tiles = sizes_.tiles;
  c.blocks = sizes_.blocks;
  c.codes = tiles_.mutable_data<std::uint8_t>();
  c.scales = scales_.mutable_data<std::uint8_t>();
  c.scales2 = scales2_.mutable_data<float>();
  c.offset = offset_.mutable_data<float>();
  return c;
}

void DeviceTrellis::choose(const float* target, float* room, int state_bits, bool fits) {
  DeviceQueue& queue = queue_of(context_, "a trellis code", context_.device);
  const cuda::TrellisCodes c = codes(state_bits);
  cuda::TrellisFitSums fit;
  if (fits) {
    fit.products = reinterpret_cast<double*>(products_.mutable_raw());
    fit.squares = reinterpret_cast<double*>(squares_.mutable_raw());
  }
  if (!feeds_back()) {
    cuda::trellis_tiles(queue, target, {there_.rows, there_.cols}, c, fit);
  } else {
    cuda::TrellisFeedback of;
    of.codes = c;
    of.w = target;
    of.s = there_.right->values();
    of.t = there_.left == nullptr ? nullptr : there_.left->values();
    of.tile_rows = of.t == nullptr ? nullptr : tile_rows_.data<float>();
    of.tile_cols = tile_cols_.data<float>();
    of.group = static_cast<int>(group_cols(config_.block));
    of.below = below_.mutable_data<float>();
    of.passed = passed_.mutable_data<float>();
    of.before = before_.mutable_data<float>();
    of.units = units_.mutable_data<float>();
    of.f = room;
    of.e = of.t == nullptr ? nullptr : errors_.mutable_data<float>();
    of.fit = fit;
    code_waves(
        queue, {rows_, cols_, backends::kTrellisSide, of.group, of.s, of.t, of.f, of.e, of.below, of.passed},
        [&](const DeviceWave& wave) {
          cuda::trellis_regions(queue, of, {wave.count, wave.first_panel, wave.first_group, wave.group_step});
        });
  }
  if (fits) cuda::trellis_refit(queue, fit, c);
}

void DeviceTrellis::round(const float* target, float* room, float* q) {
  DeviceQueue& queue = queue_of(context_, "a trellis code", context_.device);
  cuda::trellis_scales(queue, target, there_.cols, codes(config_.state_bits), targets_.mutable_data<float>());
  if (rounding_.search) choose(target, room, backends::kMinStateBits, true);
  choose(target, room, config_.state_bits, !feeds_back());
  backends::PackedView view{.layout = backends::PackedLayout::kTrellis, .rows = rows_, .cols = cols_};
  view.trellis = {tiles_.data<std::uint8_t>(),
                  scales_.data<std::uint8_t>(),
                  scales2_.data<float>(),
                  0.0F,
                  config_.bits,
                  config_.state_bits,
                  config_.block};
  cuda::copy_to_host(queue, offset_.raw(), sizeof(float), &view.trellis.offset);
  cuda::packed_decode(queue, view, 0, rows_ * cols_, q);
}

PackedMatrix DeviceTrellis::packed() {
  DeviceQueue& queue = queue_of(context_, "a trellis code", context_.device);
  auto stored = std::make_shared<TrellisStored>(rows_, cols_, config_, "a trellis code");
  cuda::copy_to_host(queue, tiles_.raw(), stored->codes.size(), stored->codes.data());
  cuda::copy_to_host(queue, scales_.raw(), stored->scales.size(), stored->scales.data());
  cuda::copy_to_host(queue, scales2_.raw(), sizeof(float) * stored->scales2.size(), stored->scales2.data());
  cuda::copy_to_host(queue, offset_.raw(), sizeof(float), &stored->offset);
  return packed_trellis(std::move(stored));
}

}  // namespace lq
