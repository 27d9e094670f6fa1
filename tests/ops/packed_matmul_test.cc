// The op's checks and choices of path; the arithmetic of every layout is tested in
// tests/backends/packed_product_test.cc.
#include "ops/packed_matmul.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/progress.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using reference::normals;

constexpr std::int64_t kRows = 5, kCols = 24;

struct PackedMatmul : testing::Test {
  ThreadPool pool{2};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  std::vector<float> w = normals(kRows * kCols, 1);
  backends::PackedView view{.layout = backends::PackedLayout::kDense,
                            .rows = kRows,
                            .cols = kCols,
                            .dense = {.data = w.data(), .type = backends::DenseType::kF32}};
};

TEST_F(PackedMatmul, FewAndManyRowsAgree) {
  const auto x = normals(12 * kCols, 2);
  std::vector<float> many(12 * kRows);
  packed_matmul_forward(ctx, ws, view, {x.data(), 12, kCols}, {many.data(), 12, kRows});
  for (std::int64_t n = 0; n <= kPackedFewRows; ++n) {
    std::vector<float> few(static_cast<std::size_t>(n * kRows), 7.0F);
    packed_matmul_forward(ctx, ws, view, {x.data(), n, kCols}, {few.data(), n, kRows});
    for (std::size_t i = 0; i < few.size(); ++i) EXPECT_NEAR(few[i], many[i], 1e-4) << n << " rows at " << i;
  }
}

TEST_F(PackedMatmul, BackwardSetsOrAdds) {
  const auto dy = normals(3 * kRows, 3);
  std::vector<float> set(3 * kCols, 9.0F);
  std::vector<float> added(3 * kCols, 2.0F);
  packed_matmul_backward(ctx, view, {dy.data(), 3, kRows}, {set.data(), 3, kCols}, false);
  packed_matmul_backward(ctx, view, {dy.data(), 3, kRows}, {added.data(), 3, kCols}, true);
  for (std::size_t i = 0; i < set.size(); ++i) EXPECT_NEAR(added[i], set[i] + 2.0F, 1e-5);
  double wanted = 0.0;
  for (std::int64_t i = 0; i < kRows; ++i)
    wanted += double{dy[static_cast<std::size_t>(i)]} * w[static_cast<std::size_t>(i * kCols)];
  EXPECT_NEAR(set[0], wanted, 1e-5);
}

TEST_F(PackedMatmul, RowsComeOutAsTheyAre) {
  std::vector<float> out(2 * kCols);
  packed_rows(ctx, view, 3, 2, out.data());
  EXPECT_TRUE(std::equal(out.begin(), out.end(), w.begin() + 3 * kCols));
  EXPECT_THROW(packed_rows(ctx, view, 4, 2, out.data()), Error);
}

TEST_F(PackedMatmul, RefusesShapesThatDoNotFit) {
  std::vector<float> x(64), y(64);
  EXPECT_THROW(packed_matmul_forward(ctx, ws, view, {x.data(), 2, kCols - 1}, {y.data(), 2, kRows}), Error);
  EXPECT_THROW(packed_matmul_forward(ctx, ws, view, {x.data(), 2, kCols}, {y.data(), 1, kRows}), Error);
  EXPECT_THROW(packed_matmul_backward(ctx, view, {x.data(), 2, kCols}, {y.data(), 2, kCols}, false), Error);
}

}  // namespace
}  // namespace lq
