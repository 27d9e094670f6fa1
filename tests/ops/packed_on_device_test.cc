// Which bytes of a weight go along, on the processor and on a device where there is one; what is computed
// from them there: packed_devices_test.cc.
#include "ops/packed_on_device.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "base/progress.h"
#include "ops/device_memory.h"
#include "ops/op_driver.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using backends::PackedLayout;
using backends::PackedView;

struct PlaceForWeights {
  ThreadPool pool{1};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
};

// Bytes first, first + 1, ... from an odd address on.
struct OddBytes {
  OddBytes(std::size_t size, std::uint8_t first) : all(size + 2), count(size) {
    skip = reinterpret_cast<std::uintptr_t>(all.data()) % 2 == 0 ? 1 : 0;
    std::iota(all.begin() + skip, all.begin() + skip + static_cast<std::ptrdiff_t>(count), first);
  }
  const std::uint8_t* at() const { return all.data() + skip; }
  std::vector<std::uint8_t> all;
  std::size_t count;
  std::ptrdiff_t skip = 0;
};

// That part is the context's own copy of these bytes, and the view points to it.
void expect_part(Context& ctx, const PackedOnDevice& w, std::size_t index, const void* in_view,
                 const OddBytes& from) {
  SCOPED_TRACE("part " + std::to_string(index));
  ASSERT_LT(index, w.parts.size());
  const Tensor& part = w.parts[index];
  EXPECT_EQ(in_view, static_cast<const void*>(part.raw()));
  EXPECT_TRUE(part.owns());
  EXPECT_EQ(device_text(part.device()), device_text(ctx.device));
  EXPECT_EQ(device_text(w.view.device), device_text(ctx.device));
  ASSERT_EQ(part.bytes(), from.count);
  EXPECT_EQ(std::memcmp(copy_to_host(ctx, part).raw(), from.at(), from.count), 0);
}

// A weight of 60 columns with a codebook, its parts of these many bytes.
struct CodebookWeight {
  CodebookWeight(std::int64_t rows, backends::NfFormat format, std::size_t code_bytes,
                 std::size_t scale_bytes, std::size_t scale2_bytes, std::size_t values)
      : codes(code_bytes, 1), scales(scale_bytes, 2), scales2(scale2_bytes, 3), book(values) {
    std::iota(book.begin(), book.end(), 0.5F);
    view.layout = PackedLayout::kCodebook;
    view.rows = rows;
    view.cols = 60;
    view.codebook = {codes.at(), scales.at(), scales2.at(), 0.25F, format, rows, 60, book.data(), &levels};
  }
  void expect_copied(Context& ctx, const PackedOnDevice& w) const {
    ASSERT_EQ(w.parts.size(), 4U);
    const backends::NfView& v = w.view.codebook;
    expect_part(ctx, w, 0, v.codes, codes);
    expect_part(ctx, w, 1, v.scales, scales);
    expect_part(ctx, w, 2, v.scales2, scales2);
    EXPECT_EQ(static_cast<const void*>(v.codebook), w.parts[3].raw());
    ASSERT_EQ(w.parts[3].bytes(), book.size() * 4);
    EXPECT_EQ(std::memcmp(copy_to_host(ctx, w.parts[3]).raw(), book.data(), book.size() * 4), 0);
    EXPECT_TRUE(v.offset == 0.25F && v.format.bits == view.codebook.format.bits);
    EXPECT_TRUE(w.view.rows == view.rows && w.view.cols == 60 && v.rows == view.rows && v.cols == 60);
  }
  OddBytes codes, scales, scales2;
  std::vector<float> book;
  backends::NfGemvLevels levels = {};
  PackedView view;
};

// 300 codes of 3 bits in 5 groups of 24 bytes, 19 blocks of 16 in one group of 4-bit scales, two second-level
// scales of 2 bytes, and the 64 bytes that may be read of a small codebook.
struct SmallCodebookWeight : CodebookWeight {
  SmallCodebookWeight() : CodebookWeight(5, {3, 4, backends::ScaleDType::kBf16, 16, 16}, 120, 32, 4, 16) {}
};

TEST(PackedOnDevice, DenseValuesOfEveryType) {
  PlaceForWeights p;
  const std::pair<backends::DenseType, std::size_t> types[] = {
      {backends::DenseType::kF32, 4}, {backends::DenseType::kBf16, 2}, {backends::DenseType::kF16, 2}};
  for (const auto& [type, width] : types) {
    const OddBytes values(15 * width, 7);
    PackedView host;
    host.rows = 3;
    host.cols = 5;
    host.dense = {values.at(), type};
    const PackedOnDevice w = copy_to_device(p.ctx, host);
    EXPECT_EQ(w.parts.size(), 1U);
    expect_part(p.ctx, w, 0, w.view.dense.data, values);
    EXPECT_TRUE(w.view.layout == PackedLayout::kDense && w.view.dense.type == type);
    EXPECT_TRUE(w.view.rows == 3 && w.view.cols == 5);
  }
}

TEST(PackedOnDevice, ACodebookGoesAlong) {
  PlaceForWeights p;
  const SmallCodebookWeight small;
  const PackedOnDevice w = copy_to_device(p.ctx, small.view);
  small.expect_copied(p.ctx, w);
  EXPECT_EQ(w.view.codebook.gemv_levels, &small.levels) << "the processor's kernels read them where they are";
  // 3900 codes of 8 bits in 61 groups, 61 blocks of 64 in one of 64 bytes, one second-level scale in f32.
  const CodebookWeight wide(65, {8, 8, backends::ScaleDType::kFp32, 64, 256}, 3904, 64, 4, 256);
  wide.expect_copied(p.ctx, copy_to_device(p.ctx, wide.view));
}

TEST(PackedOnDevice, RowsOfWholeNumbersEndOnBytes) {
  PlaceForWeights p;
  const OddBytes codes(15, 40), scales(12, 80);  // 11 codes of 3 bits take 5 bytes a row
  PackedView host;
  host.layout = PackedLayout::kIntRow;
  host.rows = 3;
  host.cols = 11;
  host.int_row = {codes.at(), scales.at(), 3};
  const PackedOnDevice w = copy_to_device(p.ctx, host);
  EXPECT_EQ(w.parts.size(), 2U);
  expect_part(p.ctx, w, 0, w.view.int_row.codes, codes);
  expect_part(p.ctx, w, 1, w.view.int_row.scales, scales);
  EXPECT_EQ(w.view.int_row.bits, 3);
}

TEST(PackedOnDevice, TilesOfATrellisAreWhole) {
  PlaceForWeights p;
  // 257 x 40 in 17 x 3 tiles of 96 bytes; two scales a row of blocks of 32, 514 of them under three of 4
  // bytes.
  const OddBytes codes(4896, 1), scales(514, 2), scales2(12, 3);
  PackedView host;
  host.layout = PackedLayout::kTrellis;
  host.rows = 257;
  host.cols = 40;
  host.trellis = {codes.at(), scales.at(), scales2.at(), 0.5F, 3, 12, 32};
  const PackedOnDevice w = copy_to_device(p.ctx, host);
  EXPECT_EQ(w.parts.size(), 3U);
  expect_part(p.ctx, w, 0, w.view.trellis.codes, codes);
  expect_part(p.ctx, w, 1, w.view.trellis.scales, scales);
  expect_part(p.ctx, w, 2, w.view.trellis.scales2, scales2);
  EXPECT_TRUE(w.view.trellis.offset == 0.5F && w.view.trellis.bits == 3 && w.view.trellis.state_bits == 12);
}

TEST(PackedOnDevice, TheCopyOutlivesItsSourceAndMoves) {
  PlaceForWeights p;
  auto source = std::make_unique<SmallCodebookWeight>();
  PackedOnDevice first = copy_to_device(p.ctx, source->view);
  std::fill(source->codes.all.begin(), source->codes.all.end(), std::uint8_t{0});
  source.reset();
  const PackedOnDevice moved = std::move(first);
  SmallCodebookWeight().expect_copied(p.ctx, moved);
}

TEST(PackedOnDevice, RefusesWhatLiesElsewhereOrIsOfTheProcessorOnly) {
  PlaceForWeights p;
  const SmallCodebookWeight small;
  PackedView w = small.view;
  w.device = {DeviceKind::kCuda, 1};
  io_test::expect_error(ErrorCode::kInternal, {"[ops] copy_to_device: the weight is on cuda:1 already"},
                        [&] { copy_to_device(p.ctx, w); });
  w = small.view;
  w.layout = PackedLayout::kStored;
  io_test::expect_error(ErrorCode::kUnsupported,
                        {"weights in ggml's types are decoded on the processor only"},
                        [&] { copy_to_device(p.ctx, w); });
}

TEST(PackedOnDevice, OnDevicesWithoutTheProcessorsLevels) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  for (const Device device : devices) {
    PlaceForWeights p;
    const auto queue = open_device_queue(device);
    p.ctx.device = device;
    p.ctx.queue = queue.get();
    const SmallCodebookWeight small;
    const PackedOnDevice w = copy_to_device(p.ctx, small.view);
    EXPECT_EQ(w.view.codebook.gemv_levels, nullptr);
    small.expect_copied(p.ctx, w);
  }
}

}  // namespace
}  // namespace lq
