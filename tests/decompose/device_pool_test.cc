#include "decompose/device_pool.h"

#include <optional>

#include "device_fixture.h"

namespace lq {
namespace {

using DevicePoolDevice = testing_support::DeviceTest;

// A driver takes and gives back memory in steps of 2 MiB, and keeps some for the first copies.
constexpr std::size_t kDriverKeeps = std::size_t{4} << 20;

TEST_F(DevicePoolDevice, MemoryGivenBackIsTakenAgainAndOutlivesThePool) {
  constexpr std::int64_t kHeight = 1024;  // a tensor takes 8 MiB
  constexpr std::int64_t kWidth = 2048;
  const std::size_t before = backends::cuda::memory(there_.device).free;
  std::optional<DevicePool> pool(there_.device);
  const std::byte* first = nullptr;
  {
    const Tensor a = pool->empty({kHeight, kWidth});
    first = a.raw();
    EXPECT_EQ(a.device(), there_.device);
    EXPECT_EQ(a.numel(), kHeight * kWidth);
    EXPECT_NE(pool->empty({kHeight, kWidth}).raw(), first);  // that one is taken
  }
  EXPECT_NE(pool->empty({kHeight + 1, kWidth}).raw(), first);  // of another size
  Tensor kept = pool->empty({kWidth, kHeight});
  Tensor other = pool->empty({kWidth, kHeight});
  EXPECT_TRUE(kept.raw() == first || other.raw() == first);
  pool.reset();
  const std::vector<float> values(kHeight * kWidth, 2.5F);
  copy_bytes(there_, reinterpret_cast<const std::byte*>(values.data()), kept);
  EXPECT_EQ(values_of(kept), values);
  kept = {};
  other = {};
  EXPECT_GE(backends::cuda::memory(there_.device).free + kDriverKeeps, before);
}

}  // namespace
}  // namespace lq
