#include "backends/cuda/folded_element.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/float16.h"
#include "reference/numbers.h"

namespace lq::backends::cuda {
namespace {

TEST(FoldedElement, EveryElementOfARowLiesInItsRow) {
  for (const std::int64_t cols : {1, 7, 8, 63, 64, 129}) {
    for (const std::int64_t more : {0, 1, 8, 11}) {
      const StridedRows rows{cols, cols + more};
      for (std::int64_t i = 0; i < 5 * cols; ++i)
        ASSERT_EQ(rows.place(i), i / cols * (cols + more) + i % cols)
            << cols << " and " << more << " at " << i;
      if (!rows.keeps_runs()) continue;
      for (std::int64_t i = 0; i + 7 < 5 * cols; i += 8) {
        ASSERT_EQ(rows.place(i + 7), rows.place(i) + 7);
        ASSERT_EQ(rows.place(i) % 8, 0);
      }
    }
  }
  EXPECT_EQ(quotient_of((std::int64_t{1} << 40) + 5, 1 << 20), 1 << 20);  // beyond 32 bits
  EXPECT_EQ(quotient_of(7, std::int64_t{1} << 33), 0);
}

TEST(FoldedElement, RunsCoverRowsOnce) {
  for (const std::int64_t cols : {1, 8, 15, 16, 17}) {
    std::vector<int> seen(static_cast<std::size_t>(3 * cols));
    for (std::int64_t i = 0; i < runs_of(3, cols); ++i) {
      const RunOfRow run = run_of_row(i, cols);
      for (int e = 0; e < run.count; ++e) ++seen[static_cast<std::size_t>(run.row * cols + run.col + e)];
    }
    EXPECT_EQ(seen, std::vector<int>(seen.size(), 1)) << cols;
  }
}

TEST(FoldedElement, FactorsLieOnTheirPlacesAndZerosBetweenThem) {
  constexpr std::int64_t kRows = 12, kCols = 17, kStride = 19;
  const auto first = reference::normals(5 * 9, 1);
  const auto second = reference::normals(6 * 8, 2);
  FactorPlaces all;
  all.of[all.count++] = {first.data(), 5, 9, 0, 0, 2.0F};
  all.of[all.count++] = {second.data(), 6, 8, 6, 9, -0.3F};
  std::vector<std::uint16_t> have(kRows * kStride, 7), want = have;
  const WriteFactors write{all, kCols, kStride, have.data()};
  for (std::int64_t i = 0; i < runs_of(kRows, kCols); ++i) write(i);
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t j = 0; j < kCols; ++j) {
      float value = 0.0F;
      if (i < 5 && j < 9) value = 2.0F * first[static_cast<std::size_t>(i * 9 + j)];
      if (i >= 6 && j >= 9) value = -0.3F * second[static_cast<std::size_t>((i - 6) * 8 + j - 9)];
      want[static_cast<std::size_t>(i * kStride + j)] = to_bf16(value).bits;
    }
  }
  EXPECT_EQ(have, want);
}

TEST(FoldedElement, SizesOfTheWholeMatrix) {
  EXPECT_EQ((FoldedLayout{100, 64, 0}.elements()), 6400);
  EXPECT_EQ((FoldedLayout{100, 63, 0}.stride()), 63);
  EXPECT_EQ((FoldedLayout{100, 63, 3}.stride()), 72);
  EXPECT_EQ((FoldedLayout{100, 63, 3}.elements()), 103 * 72);
  EXPECT_EQ((FoldedLayout{100, 63, 3}.bytes()), 14848);  // 14832, to the next multiple of 256
}

}  // namespace
}  // namespace lq::backends::cuda
