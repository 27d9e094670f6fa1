// How sequences are shared among calls of cuDNN.
#include "backends/cuda/cudnn_calls.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace lq::backends::cuda {
namespace {

TEST(CudnnCalls, LengthsAreRoundedUpToFew) {
  std::vector<std::int64_t> classes;
  for (std::int64_t n = 1; n <= 5000; ++n) {
    const std::int64_t c = length_class(n);
    ASSERT_GE(c, n);
    ASSERT_EQ(c % 64, 0);
    ASSERT_TRUE(n <= 64 || c < 2 * n) << n;
    if (classes.empty() || classes.back() != c) classes.push_back(c);
  }
  EXPECT_EQ(classes, (std::vector<std::int64_t>{64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072,
                                                4096, 6144}));
}

// Every sequence is in one call, among its like, in memory's order, and scores stay below what is allowed.
TEST(CudnnCalls, EverySequenceOnce) {
  const std::vector<std::int64_t> lengths = {70, 900, 65, 128, 1, 100, 77, 64, 300, 127, 128, 90, 66};
  for (const std::int64_t more : {0, 40}) {
    std::vector<AttentionSegment> segments;
    std::int64_t q = 3, kv = 5;
    for (const std::int64_t n : lengths) {
      segments.push_back({q, n, kv, n + more});
      q += n + 2;
      kv += n + more;
    }
    for (const std::int64_t most :
         {std::int64_t{1}, std::int64_t{4 * 128 * 192}, std::numeric_limits<std::int64_t>::max()}) {
      std::vector<std::int64_t> seen;
      for (const CudnnCall& c : cudnn_calls(segments, most)) {
        const auto count = static_cast<std::int64_t>(c.segments.size());
        ASSERT_EQ(count & (count - 1), 0);
        ASSERT_TRUE(count == 1 || count * c.q_rows * c.kv_rows <= most);
        ASSERT_EQ(c.ends_meet, more > 0);
        for (std::size_t i = 0; i < c.segments.size(); ++i) {
          ASSERT_EQ(length_class(c.segments[i].q_count), c.q_rows);
          ASSERT_EQ(length_class(c.segments[i].kv_count), c.kv_rows);
          ASSERT_TRUE(i == 0 || c.segments[i].q_begin > c.segments[i - 1].q_begin);
          seen.push_back(c.segments[i].q_begin);
        }
      }
      std::sort(seen.begin(), seen.end());
      std::vector<std::int64_t> all;
      for (const auto& s : segments) all.push_back(s.q_begin);
      EXPECT_EQ(seen, all);
    }
  }
  EXPECT_TRUE(cudnn_calls({}, 1).empty());
}

TEST(CudnnCalls, HeadsThatFit) {
  EXPECT_EQ(heads_together(32, 8, 10, 1000), 8);
  EXPECT_EQ(heads_together(32, 8, 10, 319), 4);  // 320 for all; 160 for four of eight
  EXPECT_EQ(heads_together(32, 8, 10, 40), 1);
  EXPECT_EQ(heads_together(32, 8, 10, 39), 0);
  EXPECT_EQ(heads_together(6, 6, 10, 50), 3);  // 5 is no divisor
}

}  // namespace
}  // namespace lq::backends::cuda
