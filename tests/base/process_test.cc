#include "base/process.h"

#include <gtest/gtest.h>

#include <vector>

namespace lq {
namespace {

TEST(Process, HumanNumbers) {
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(1536.0 * 1024 * 1024), "1.5 GiB");
  EXPECT_EQ(human_seconds(1.25), "1.2 s");
  EXPECT_EQ(human_seconds(185), "3 min 05 s");
  EXPECT_EQ(human_seconds(7800), "2 h 10 min");
}

TEST(Process, MemoryFiguresAreSane) {
  EXPECT_GT(peak_rss_bytes(), 1 << 20);
  EXPECT_GT(available_memory_bytes(), 0);
  const double before = monotonic_seconds();
  EXPECT_LE(before, monotonic_seconds());
}

TEST(Process, ThePeakCanBeForgotten) {
  constexpr std::size_t kBytes = 256 << 20;
  { const std::vector<char> much(kBytes, 1); }
  const std::int64_t before = peak_rss_bytes();
  EXPECT_GE(before, static_cast<std::int64_t>(kBytes));
  if (!reset_peak_rss()) GTEST_SKIP() << "this system does not let a process reset its peak";
  EXPECT_LT(peak_rss_bytes(), before - static_cast<std::int64_t>(kBytes / 2));
}

}  // namespace
}  // namespace lq
