// Builds without CUDA have the same symbols, and they refuse by name.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "backends/cuda/device.h"
#include "backends/cuda/elementwise.h"
#include "backends/cuda/norm.h"
#include "backends/cuda/product.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

void expect_refused(const auto& what) {
  try {
    what();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("no CUDA"), std::string::npos) << e.what();
  }
}

TEST(NoCuda, EverySymbolRefuses) {
  if (built_in()) GTEST_SKIP() << "this build has CUDA";
  EXPECT_TRUE(devices().empty());
  constexpr Device kFirst{DeviceKind::kCuda, 0};
  // No build without CUDA knows what a queue is; nothing follows the address.
  std::uint64_t nothing = 0;
  auto& queue = reinterpret_cast<DeviceQueue&>(nothing);
  expect_refused([&] { open_queue(kFirst); });
  expect_refused([&] { allocate(kFirst, 8); });
  expect_refused([&] { copy_to_device(queue, nullptr, 0, nullptr); });
  expect_refused([&] { copy_to_host(queue, nullptr, 0, nullptr); });
  expect_refused([&] { set_to_zero(queue, nullptr, 0); });
  expect_refused([&] { rms_norm_forward(queue, 0, 0, nullptr, nullptr, 0.0F, nullptr, nullptr); });
  expect_refused(
      [&] { rms_norm_backward(queue, 0, 0, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { silu_mul_forward(queue, 0, nullptr, nullptr, nullptr); });
  expect_refused([&] { silu_mul_backward(queue, 0, nullptr, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { multiply(queue, {}); });
  expect_refused([&] { packed_decode(queue, {}, 0, 0, nullptr); });
}

}  // namespace
}  // namespace lq::backends::cuda
