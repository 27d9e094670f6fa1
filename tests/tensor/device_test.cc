#include "tensor/device.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace lq {
namespace {

constexpr Device kFirst{DeviceKind::kCuda, 0};
constexpr Device kThird{DeviceKind::kCuda, 2};

TEST(Device, TextsNameIt) {
  EXPECT_EQ(device_text({}), "cpu");
  EXPECT_EQ(device_text(kThird), "cuda:2");
  for (const Device device : {Device{}, kFirst, kThird, Device{DeviceKind::kCuda, 255}}) {
    EXPECT_EQ(device_from_text(device_text(device)), device);
  }
  EXPECT_EQ(device_from_text("cuda"), kFirst);
  for (const char* text : {"", "gpu", "cuda:", "cuda:-1", "cuda:256", "cuda:1x", "CPU"}) {
    EXPECT_THROW(device_from_text(text), Error) << text;
  }
}

TEST(Device, MixturesAreRefusedByName) {
  EXPECT_EQ(common_device("op", {{"x", kThird}, {"y", kThird}}), kThird);
  try {
    common_device("rms_norm", {{"x", {}}, {"y", {}}, {"w", kFirst}});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
    EXPECT_EQ(std::string(e.what()), "[ops] rms_norm: x is on cpu, w on cuda:0");
  }
}

}  // namespace
}  // namespace lq
