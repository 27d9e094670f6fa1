// Which weights go into tiles, and what of a device's memory that takes. That tiles hold the same weights:
// packed_devices_test.cc.
#include "ops/packed_tiles.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/progress.h"
#include "ops/op_driver.h"
#include "ops/some_weights.h"

namespace lq {
namespace {

using backends::PackedLayout;
using some_weights::codebook_weight;
using some_weights::int_row_weight;
using some_weights::Shared;

std::int64_t bytes_of_parts(const PackedOnDevice& w) {
  return std::accumulate(
      w.parts.begin(), w.parts.end(), std::int64_t{0},
      [](std::int64_t sum, const Tensor& part) { return sum + static_cast<std::int64_t>(part.bytes()); });
}

TEST(PackedTiles, TheProcessorHasNone) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const Shared w = codebook_weight({3, 8, ScaleDType::kFp32, 64, 256}, 143, 704);
  EXPECT_EQ(tile_growth(ctx, w->view), 0);
  PackedOnDevice same = copy_to_device(ctx, w->view);
  const auto* const codes = same.view.codebook.codes;
  to_tiles(ctx, same);
  EXPECT_EQ(same.view.layout, PackedLayout::kCodebook);
  EXPECT_EQ(same.view.codebook.codes, codes);
}

TEST(PackedTilesOnDevices, GrowthIsWhatTheMemoryGrowsBy) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  for (const Device device : devices) {
    op_driver::OnDevice place(device);
    Context& ctx = place.ctx;
    for (const int bits : {2, 3, 4, 8}) {
      SCOPED_TRACE(bits);
      const Shared odd = codebook_weight({bits, 8, ScaleDType::kFp32, 64, 256}, 143, 704);
      const std::int64_t growth = tile_growth(ctx, odd->view);
      EXPECT_GT(growth, 0);
      PackedOnDevice w = copy_to_device(ctx, odd->view);
      const std::int64_t before = bytes_of_parts(w);
      to_tiles(ctx, w);
      ASSERT_EQ(w.view.layout, PackedLayout::kTiles);
      EXPECT_NEAR(static_cast<double>(bytes_of_parts(w) - before), static_cast<double>(growth), 8.0);
      // Whole tiles and chunks take what the file's layout takes.
      const Shared whole = codebook_weight({bits, 8, ScaleDType::kFp32, 64, 256}, 64, 512);
      EXPECT_EQ(tile_growth(ctx, whole->view), 0);
      PackedOnDevice even = copy_to_device(ctx, whole->view);
      const std::int64_t file = bytes_of_parts(even);
      to_tiles(ctx, even);
      EXPECT_EQ(bytes_of_parts(even), file);
    }
    // A layout without codebooks has no tiles.
    const Shared integers = int_row_weight(4, 64, 512);
    EXPECT_EQ(tile_growth(ctx, integers->view), 0);
    PackedOnDevice same = copy_to_device(ctx, integers->view);
    to_tiles(ctx, same);
    EXPECT_EQ(same.view.layout, PackedLayout::kIntRow);
  }
}

TEST(PackedTilesOnDevices, AWeightElsewhereIsRefused) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  ThreadPool pool(1);
  NoProgress progress;
  const auto queue = open_device_queue(devices.front());
  Context ctx{pool, progress, 0, {}};
  const Shared w = codebook_weight({3, 8, ScaleDType::kFp32, 64, 256}, 64, 512);
  PackedOnDevice here = copy_to_device(ctx, w->view);
  ctx.device = devices.front();
  ctx.queue = queue.get();
  try {
    to_tiles(ctx, here);
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInternal) << e.what();
  }
}

}  // namespace
}  // namespace lq
