// Where ops run: mixtures of devices and devices that an op has no body for are refused by name.
#include "ops/dispatch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/rms_norm.h"

namespace lq {
namespace {

constexpr Device kCuda{DeviceKind::kCuda, 0};

std::string refusal(const auto& what, ErrorCode code) {
  try {
    what();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "nothing was refused";
}

struct DispatchFixture {
  ThreadPool pool{1};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> x = std::vector<float>(6, 1.0F), w = std::vector<float>(3, 1.0F),
                     rstd = std::vector<float>(2);
};

TEST(Dispatch, AMixtureOfDevicesIsRefusedByName) {
  DispatchFixture f;
  const Matrix x{f.x.data(), 2, 3};
  const Vector away(f.w.data(), 3, kCuda);
  EXPECT_EQ(
      refusal([&] { rms_norm_forward(f.ctx, x, away, 1e-5F, x, Vector(f.rstd)); }, ErrorCode::kMismatch),
      "[ops] rms_norm: x is on cpu, w on cuda:0");
  EXPECT_EQ(refusal([&] { bias_forward(f.ctx, away, x); }, ErrorCode::kMismatch),
            "[ops] bias_forward: bias is on cuda:0, y on cpu");
}

TEST(Dispatch, AnOpWithoutABodyForADeviceSaysSo) {
  EXPECT_EQ(refusal(
                [&] {
                  cpu_only("some op", {{"x", kCuda}});
                },
                ErrorCode::kUnsupported),
            "[ops] some op runs on the cpu only, but x is on cuda:0");
}

TEST(Dispatch, TheQueueIsTheContextsAndOfTheOperandsDevice) {
  DispatchFixture f;
  const Matrix x{f.x.data(), 2, 3, kCuda};
  const Vector w(f.w.data(), 3, kCuda);
  const Vector rstd(f.rstd.data(), 2, kCuda);
  const auto run = [&] { rms_norm_forward(f.ctx, x, w, 1e-5F, x, rstd); };
  EXPECT_EQ(refusal(run, ErrorCode::kMismatch),
            "[ops] rms_norm: the operands are on cuda:0, the context works on cpu");
  f.ctx.device = kCuda;
  EXPECT_EQ(refusal(run, ErrorCode::kInternal), "[ops] rms_norm: the context has no queue for cuda:0");
}

}  // namespace
}  // namespace lq
