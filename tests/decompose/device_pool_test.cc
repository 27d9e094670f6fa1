#include "decompose/device_pool.h"

#include <optional>

#include "device_fixture.h"

namespace lq {
namespace {

using DevicePoolDevice = testing_support::DeviceTest;

TEST_F(DevicePoolDevice, MemoryGivenBackIsTakenAgainAndOutlivesThePool) {
  const std::size_t before = backends::cuda::memory(there_.device).free;
  std::optional<DevicePool> pool(there_.device);
  const std::byte* first = nullptr;
  {
    const Tensor a = pool->empty({5, 7});
    first = a.raw();
    EXPECT_EQ(a.device(), there_.device);
    EXPECT_EQ(a.numel(), 35);
    EXPECT_NE(pool->empty({5, 7}).raw(), first);  // that one is taken
  }
  EXPECT_NE(pool->empty({6, 7}).raw(), first);  // of another size
  Tensor kept = pool->empty({7, 5});
  Tensor other = pool->empty({7, 5});
  EXPECT_TRUE(kept.raw() == first || other.raw() == first);
  pool.reset();
  const std::vector<float> values(35, 2.5F);
  copy_bytes(there_, reinterpret_cast<const std::byte*>(values.data()), kept);
  EXPECT_EQ(values_of(kept), values);
  kept = {};
  other = {};
  EXPECT_EQ(backends::cuda::memory(there_.device).free, before);
}

}  // namespace
}  // namespace lq
