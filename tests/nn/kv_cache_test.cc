#include "nn/kv_cache.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"
#include "base/progress.h"

namespace lq {
namespace {

void put(Context& ctx, KvCache& cache, float value) {
  cache.reserve(ctx, 1);
  std::vector<float> row(3, value);
  const AttentionSegment last{0, 1, 0, cache.length() + 1};
  for (const std::int64_t layer : {0, 1}) cache.put(ctx, layer, last, {row.data(), 1, 3}, {row.data(), 1, 3});
  cache.advance(1);
}

TEST(KvCache, BeginsWithWhatAnotherHolds) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  KvCache from(2, 3, 100);
  for (int t = 0; t < 70; ++t) put(ctx, from, static_cast<float>(t));
  KvCache to(2, 3, 66);
  put(ctx, to, -1.0F);
  to.begin_with(ctx, from, 65);
  EXPECT_EQ(to.length(), 65);
  put(ctx, to, 500.0F);
  const Matrix keys = to.keys(1, 0);
  EXPECT_EQ(keys.rows, 66);
  EXPECT_EQ(keys.row(64)[2], 64.0F);
  EXPECT_EQ(to.values(0, 0).row(65)[0], 500.0F);
  EXPECT_EQ(from.keys(1, 0).row(65)[0], 65.0F);
  to.begin_with(ctx, from, 0);
  EXPECT_EQ(to.length(), 0);
  EXPECT_THROW(to.begin_with(ctx, from, 71), Error);
  EXPECT_THROW(to.begin_with(ctx, from, 67), Error);
  const KvCache wider(2, 4, 10);
  EXPECT_THROW(to.begin_with(ctx, wider, 0), Error);
}

}  // namespace
}  // namespace lq
