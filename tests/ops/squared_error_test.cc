#include "ops/squared_error.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/progress.h"

namespace lq {
namespace {

TEST(SquaredError, LossAndGradient) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> predicted = {1.0F, 2.5F, -3.0F};
  const std::vector<float> targets = {0.5F, 2.5F, 1.0F};
  std::vector<float> losses(3);
  squared_error_forward(ctx, {predicted.data(), 3, 1}, targets, losses);
  EXPECT_EQ(losses, (std::vector<float>{0.25F, 0.0F, 16.0F}));
  squared_error_forward_backward(ctx, {predicted.data(), 3, 1}, targets, 0.5F, losses);
  EXPECT_EQ(losses[2], 16.0F);
  EXPECT_EQ(predicted, (std::vector<float>{0.5F, 0.0F, -4.0F}));
  EXPECT_THROW(squared_error_forward(ctx, {predicted.data(), 1, 3}, targets, losses), Error);
}

}  // namespace
}  // namespace lq
