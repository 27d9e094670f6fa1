#include "ops/columns.h"

#include <gtest/gtest.h>

#include "backends/cuda/elementwise_element.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using reference::normals;

TEST(Columns, AreTakenAndPutBackOnEveryDevice) {
  constexpr std::int64_t kRows = 70, kAll = 9, kPart = 4, kAt = 3;
  const auto whole = normals(kRows * kAll, 1), part = normals(kRows * kPart, 2);
  for (const bool put : {false, true}) {
    op_driver::Expected e{put ? 0U : 1U, {}, {}};
    const std::int64_t cols = put ? kAll : kPart;
    for (std::int64_t i = 0; i < kRows * cols; ++i) {
      const std::int64_t r = i / cols, c = i % cols;
      const bool inside = c >= kAt && c < kAt + kPart;
      const auto at = static_cast<std::size_t>(put ? i : r * kAll + kAt + c);
      e.values.push_back(put && inside ? part[static_cast<std::size_t>(r * kPart + c - kAt)] : whole[at]);
      e.bounds.push_back(0.0);
    }
    op_driver::check_op({.name = put ? "put_columns" : "take_columns",
                         .operands = {{"whole", kRows, kAll, whole}, {"part", kRows, kPart, part}},
                         .run =
                             [put](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                               if (put) return put_columns(ctx, m[1], kAt, m[0]);
                               take_columns(ctx, m[0], kAt, m[1]);
                             },
                         .expected = {e},
                         .twin =
                             [put](const std::vector<Matrix>& m) {
                               using namespace backends::cuda;
                               for (std::int64_t i = 0; i < m[1].size(); ++i) {
                                 if (put) {
                                   PutColumns{kPart, kAll, kAt, m[1].data, m[0].data}(i);
                                 } else {
                                   TakeColumns{kPart, kAll, kAt, m[0].data, m[1].data}(i);
                                 }
                               }
                             }});
  }
}

TEST(Columns, RefusesWhatLiesOutside) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> a(6), b(4);
  EXPECT_THROW(take_columns(ctx, {a.data(), 2, 3}, 2, {b.data(), 2, 2}), Error);
  EXPECT_THROW(put_columns(ctx, {b.data(), 1, 4}, 0, {a.data(), 2, 3}), Error);
}

}  // namespace
}  // namespace lq
