#include "ops/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/progress.h"
#include "reference/numbers.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

constexpr std::int64_t kTurned = 3, kRopeHeads = 2;
constexpr double kF32 = 0x1p-24;
const std::vector<std::int32_t> kPositions = {0, 1, 7, 500, 500, 3};
const std::vector<float> kFrequencies = {1.0F, 0.1F, 0.003F};

Matrix rows_of(std::vector<float>& x) {
  const std::int64_t rows = std::ssize(kPositions);
  return {x.data(), rows, std::ssize(x) / rows};
}

TEST(Rope, TurnsPairsOfAHeadByTheirAngles) {
  ThreadPool pool(3);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  // Heads of 6 turn whole; of 8 the last two dimensions stay.
  for (const std::int64_t dim : {2 * kTurned, 2 * kTurned + 2}) {
    const float factor = dim == 8 ? 1.25F : 1.0F;
    const RopeTable table = make_rope_table(ctx, kPositions, kFrequencies, factor);
    EXPECT_EQ(table.half, kTurned);
    const auto before = reference::normals(std::ssize(kPositions) * kRopeHeads * dim, 5, 1.0F);
    auto x = before;
    rope_forward(ctx, table, kRopeHeads, rows_of(x));
    for (std::size_t t = 0; t < kPositions.size(); ++t) {
      for (std::int64_t h = 0; h < kRopeHeads; ++h) {
        const auto head = static_cast<std::size_t>((static_cast<std::int64_t>(t) * kRopeHeads + h) * dim);
        for (std::size_t i = 0; i < kTurned; ++i) {
          const float angle = static_cast<float>(kPositions[t]) * kFrequencies[i];
          const double a = before[head + i], b = before[head + kTurned + i];
          const double cos = factor * std::cos(double{angle}), sin = factor * std::sin(double{angle});
          // Four roundings of each product, one of the sum.
          const double bound = 5 * kF32 * factor * (std::abs(a) + std::abs(b));
          EXPECT_NEAR(x[head + i], a * cos - b * sin, bound);
          EXPECT_NEAR(x[head + kTurned + i], b * cos + a * sin, bound);
        }
        for (auto i = static_cast<std::size_t>(2 * kTurned); i < static_cast<std::size_t>(dim); ++i)
          EXPECT_EQ(x[head + i], before[head + i]);
      }
    }
  }
}

TEST(Rope, BackwardIsTheTranspose) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const RopeTable table = make_rope_table(ctx, kPositions, kFrequencies, 1.25F);
  const std::int64_t count = std::ssize(kPositions) * kRopeHeads * 6;
  const auto u = reference::normals(count, 1, 1.0F), v = reference::normals(count, 2, 1.0F);
  auto turned = u, back = v;
  rope_forward(ctx, table, kRopeHeads, rows_of(turned));
  rope_backward(ctx, table, kRopeHeads, rows_of(back));
  double left = 0, right = 0, terms = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    left += double{turned[i]} * v[i];
    right += double{u[i]} * back[i];
    terms += 2 * std::abs(double{u[i]} * v[i]) + 2 * std::abs(double{turned[i]} * back[i]);
  }
  EXPECT_NEAR(left, right, 5 * kF32 * terms);
  EXPECT_GT(std::abs(left), 1e-3);
}

TEST(Rope, RefusesAHeadThatIsTooNarrow) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const RopeTable table = make_rope_table(ctx, kPositions, kFrequencies, 1.0F);
  std::vector<float> x(kPositions.size() * 8);  // two heads of 4
  io_test::expect_error(ErrorCode::kMismatch, {"rope x: [6, 8]", "at least 6 dimensions"},
                        [&] { rope_forward(ctx, table, kRopeHeads, rows_of(x)); });
}

}  // namespace
}  // namespace lq
