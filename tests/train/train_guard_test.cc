#include "train/train_guard.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace lq {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(TrainGuard, SkipsThenHalvesThenStops) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter p;
  p.name = "model.layers.0.q_proj.lora_A.weight";
  p.value = Tensor::zeros(DType::kF32, {4});
  p.make_trainable();
  p.grad.mutable_data<float>()[2] = std::numeric_limits<float>::quiet_NaN();
  TrainState state;
  std::string note;
  EXPECT_TRUE(guard_step(ctx, state, 1.0, 2.0, 1e-3, {&p}, note));
  EXPECT_FALSE(guard_step(ctx, state, kNan, 2.0, 1e-3, {&p}, note));
  EXPECT_EQ(state.lr_scale, 1.0);
  EXPECT_NE(note.find("gradients of " + p.name), std::string::npos);
  // A good step ends the streak.
  EXPECT_TRUE(guard_step(ctx, state, 1.0, 2.0, 1e-3, {&p}, note));
  EXPECT_EQ(state.bad_streak, 0);
  for (int i = 0; i < kBadStepsAllowed; ++i) {
    EXPECT_FALSE(guard_step(ctx, state, 1.0, std::numeric_limits<double>::infinity(), 1e-3, {&p}, note));
  }
  EXPECT_EQ(state.lr_scale, 0.125);
  EXPECT_EQ(state.skipped, kBadStepsAllowed + 1);
  state.step = 17;
  try {
    guard_step(ctx, state, kNan, kNan, 1e-3, {&p}, note);
    FAIL() << "went on";
  } catch (const NothingLearntError& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(e.what()).find("step 18"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find(p.name), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("halved 3 times"), std::string::npos) << e.what();
  }
}

TEST(TrainGuard, ARunEndsWithNumbersAndAStepThatCounted) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter p;
  p.name = "model.layers.0.q_proj.lora_B.weight";
  p.value = Tensor::zeros(DType::kF32, {4});
  p.make_trainable();
  TrainState state;
  const auto error = [&] {
    try {
      check_learnt(ctx, state, {&p});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      return std::string(e.what());
    }
    return std::string("none");
  };
  state.step = 7;
  EXPECT_EQ(error(), "none");
  EXPECT_EQ(skipped_at_end(state), "");
  state.skipped = 3;
  state.bad_streak = 2;
  EXPECT_EQ(error(), "none");
  EXPECT_NE(skipped_at_end(state).find("last 2 of 7 steps"), std::string::npos);
  EXPECT_NE(skipped_at_end(state).find("of step 5"), std::string::npos);
  state.skipped = 7;
  EXPECT_NE(error().find("all 7 steps"), std::string::npos);
  state.skipped = 0;
  p.value.mutable_data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(error().find("no longer numbers after step 7: those of " + p.name), std::string::npos);
}

}  // namespace
}  // namespace lq
