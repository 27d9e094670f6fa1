#include "eval/python_random.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

// random.Random(1234), five samples in turn, from Python 3.11: of a small population and of a large one.
TEST(PythonRandom, DrawsWhatPythonDraws) {
  PythonRandom random(1234);
  using Ids = std::vector<std::size_t>;
  EXPECT_EQ(random.sample(500, 5), (Ids{494, 398, 225, 59, 3}));
  EXPECT_EQ(random.sample(500, 5), (Ids{46, 466, 482, 480, 413}));
  EXPECT_EQ(random.sample(500, 5), (Ids{298, 17, 343, 354, 42}));
  EXPECT_EQ(random.sample(20, 5), (Ids{3, 11, 7, 0, 16}));
  EXPECT_EQ(random.sample(285, 6), (Ids{8, 177, 247, 237, 76, 46}));
  EXPECT_EQ(random.sample(80, 8), (Ids{23, 14, 1, 64, 62, 31, 8, 69}));
}

TEST(PythonRandom, ASampleOfAllIsAnOrderOfAll) {
  PythonRandom random(7);
  for (const std::size_t n : {1U, 2U, 21U, 22U, 40U}) {
    std::vector<std::size_t> drawn = random.sample(n, n);
    std::sort(drawn.begin(), drawn.end());
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(drawn[i], i);
  }
}

}  // namespace
}  // namespace lq
