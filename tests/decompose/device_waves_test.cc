// The order of regions on a device: each once, after all that it takes errors from.
#include "decompose/device_waves.h"

#include <set>
#include <utility>

#include "device_fixture.h"

namespace lq {
namespace {

using DeviceWavesDevice = testing_support::DeviceTest;

// Errors go from a region to those left of it and, with t, to those above it.
TEST_F(DeviceWavesDevice, EachRegionComesOnceAfterThoseItTakesErrorsFrom) {
  struct Case {
    std::int64_t rows, cols, height, width;
  };
  for (const Case& c : {Case{1, 1, 16, 16}, {16, 48, 16, 16}, {70, 33, 16, 16}, {40, 100, 8, 32}}) {
    const auto zeros = [&](std::int64_t count) {
      return copy_to_device(there_, Tensor::zeros(DType::kF32, {count}));
    };
    const Tensor s = zeros(c.cols * c.cols), t = zeros(c.rows * c.rows);
    const Tensor f = zeros(c.rows * c.cols), e = zeros(c.rows * c.cols);
    Tensor below = zeros(c.rows * c.width), passed = zeros(c.rows * c.width);
    const std::int64_t panels = (c.rows + c.height - 1) / c.height, groups = (c.cols + c.width - 1) / c.width;
    for (const bool both : {false, true}) {
      DeviceErrors errors{c.rows, c.cols, c.height, c.width, s.data<float>()};
      errors.f = f.data<float>();
      if (both) errors.t = t.data<float>(), errors.e = e.data<float>();
      errors.below = below.mutable_data<float>();
      errors.passed = passed.mutable_data<float>();
      std::set<std::pair<std::int64_t, std::int64_t>> done;
      code_waves(*there_.queue, errors, [&](const DeviceWave& wave) {
        std::set<std::pair<std::int64_t, std::int64_t>> now;
        for (int k = 0; k < wave.count; ++k) {
          const std::int64_t panel = wave.first_panel - k, group = wave.first_group + k * wave.group_step;
          ASSERT_TRUE(panel >= 0 && panel < panels && group >= 0 && group < groups) << panel << "," << group;
          for (std::int64_t right = group + 1; right < groups; ++right) {
            EXPECT_TRUE(done.contains({panel, right})) << panel << "," << group;
          }
          for (std::int64_t under = panel + 1; both && under < panels; ++under) {
            EXPECT_TRUE(done.contains({under, group})) << panel << "," << group;
          }
          EXPECT_TRUE(now.emplace(panel, group).second && !done.contains({panel, group}));
        }
        done.merge(now);
      });
      EXPECT_EQ(std::ssize(done), panels * groups);
    }
  }
}

}  // namespace
}  // namespace lq
