// What a thread does with rows of tokens, against loops.
#include "backends/cuda/token_element.h"

#include <gtest/gtest.h>

#include <vector>

namespace lq::backends::cuda {
namespace {

TEST(TokenElement, CachedRowsEndWithTheNewOnes) {
  for (const std::int64_t width : {1, 3, 64}) {
    for (const std::int64_t news : {1, 2, 17}) {
      for (const std::int64_t old : {0, 1, 15}) {
        std::vector<float> k, v;
        for (std::int64_t i = 0; i < news * width; ++i) {
          k.push_back(static_cast<float>(i));
          v.push_back(static_cast<float>(-i) - 0.5F);
        }
        const AttentionSegment segment{0, news, 0, old + news};
        const AttentionSegment other{0, news, 0, news};
        const auto size = static_cast<std::size_t>((old + news) * width);
        for (const bool placed : {false, true}) {
          std::vector<float> keys(size, 99.0F), values(size, 99.0F);
          // What the launch has must not count where the segment is found in memory.
          const AppendRows append{placed ? other : segment,
                                  placed ? &segment : nullptr,
                                  width,
                                  k.data(),
                                  v.data(),
                                  keys.data(),
                                  values.data()};
          for (std::int64_t i = 0; i < 2 * news * width; ++i) append(i);
          for (std::int64_t i = 0; i < (old + news) * width; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const bool is_new = i >= old * width;
            const auto from = static_cast<std::size_t>(is_new ? i - old * width : 0);
            ASSERT_EQ(keys[at], is_new ? k[from] : 99.0F) << i;
            ASSERT_EQ(values[at], is_new ? v[from] : 99.0F) << i;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace lq::backends::cuda
