// Which quantizers have a coder on a device.
#include "decompose/device_coder.h"

#include "device_fixture.h"
#include "quant/format_set.h"

namespace lq {
namespace {

using DeviceCoderDevice = testing_support::DeviceTest;

TEST_F(DeviceCoderDevice, KnowsItsQuantizers) {
  const auto of = [](const QuantChoice& choice, Feedback feedback) {
    return has_device_coder(*make_quantizer(choice, {.scales = ScaleMode::kAbsMax, .feedback = feedback}));
  };
  EXPECT_TRUE(of({"tcq", "2,12,64"}, Feedback::kOff));
  EXPECT_TRUE(of({"tcq", "2,12,64"}, Feedback::kOn));
  EXPECT_TRUE(of(FormatSet().uniform(3), Feedback::kOn));
  EXPECT_FALSE(of(FormatSet().uniform(3), Feedback::kOff));
  EXPECT_FALSE(of(FormatSet().uniform(3), Feedback::kGptq));
  EXPECT_FALSE(of({"int-row", "4"}, Feedback::kOff));
}

}  // namespace
}  // namespace lq
