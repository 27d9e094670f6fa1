#include "train/train_state.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {
namespace {

TrainState some_state() {
  TrainState s;
  s.step = 12;
  s.data = {.epoch = 2, .batch = 5};
  s.tokens = 4000, s.trained_tokens = 3000;
  s.seconds = 1.25, s.loss = 2.5, s.gradient_norm = 0.125, s.lr_scale = 0.5;
  s.bad_streak = 1, s.skipped = 3;
  s.evaluated = 10;
  s.validation_loss = 2.25, s.first_validation_loss = 3.0, s.best_loss = 2.0;
  s.best_step = 8, s.since_best = 1;
  return s;
}

TEST(TrainState, ComesBackWhole) {
  for (const TrainState& state : {some_state(), TrainState{}}) {
    const nlohmann::json json = to_json(state);
    EXPECT_EQ(json.size(), 17U);
    const TrainState back = train_state_from_json(nlohmann::json::parse(json.dump()), "f");
    EXPECT_EQ(to_json(back), json);
    EXPECT_EQ(back.validation_loss.has_value(), state.validation_loss.has_value());
  }
  EXPECT_EQ(to_json(some_state())["batch"], 5);
}

TEST(TrainState, EveryKeyMustBeThereAndOfItsType) {
  const nlohmann::json whole = to_json(some_state());
  for (const auto& [key, value] : whole.items()) {
    nlohmann::json damaged = whole;
    damaged[key] = "x";
    EXPECT_THROW(train_state_from_json(damaged, "f"), Error) << key;
    const bool optional = key == "validation_loss" || key == "first_validation_loss" || key == "best_loss";
    damaged.erase(key);
    if (optional) {
      EXPECT_NO_THROW(train_state_from_json(damaged, "f")) << key;
    } else {
      EXPECT_THROW(train_state_from_json(damaged, "f"), Error) << key;
    }
  }
  nlohmann::json negative = to_json(some_state());
  negative["step"] = -1;
  EXPECT_THROW(train_state_from_json(negative, "f"), Error);
}

}  // namespace
}  // namespace lq
