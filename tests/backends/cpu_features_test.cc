#include "backends/cpu/cpu_features.h"

#include <gtest/gtest.h>

namespace lq::backends {
namespace {

TEST(CpuFeatures, NamesTheBestTargetFirst) {
  EXPECT_FALSE(simd_best().empty());
  EXPECT_TRUE(simd_targets().starts_with(simd_best()));
}

}  // namespace
}  // namespace lq::backends
