#include "train/finetune_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {
namespace {

FinetuneReport sample() {
  FinetuneReport r;
  r.training.state.step = 7;
  r.training.state.loss = 1.25;
  r.training.state.tokens = 900;
  r.training.state.validation_loss = 2.5;
  r.training.state.first_validation_loss = 3.5;
  r.training.state.best_loss = 2.25;
  r.training.state.best_step = 5;
  r.training.total_steps = 9;
  r.training.stopped_early = true;
  r.examples = 11;
  r.bad = 2;
  r.parameters = 12345;
  r.compressed = {.relative_error = 0.125, .bits_per_weight_with_low_rank = 3.5};
  return r;
}

TEST(FinetuneReport, ComesBackFromItsJson) {
  const nlohmann::json json = to_json(sample());
  const FinetuneReport back = finetune_report_from_json(json, "test");
  EXPECT_EQ(nlohmann::json(to_json(back)), json);
  EXPECT_EQ(back.training.state.best_step, 5);
  EXPECT_EQ(back.compressed->relative_error, 0.125);
  EXPECT_FALSE(json.contains("skipped_at_end"));
  FinetuneReport skipped = sample();
  skipped.training.state.bad_streak = 2;
  EXPECT_EQ(finetune_report_from_json(to_json(skipped), "test").training.state.bad_streak, 2);
  for (const char* key : {"steps", "final_loss", "tokens_per_second", "peak_rss_bytes"}) {
    EXPECT_TRUE(json.contains(key)) << key;  // promised to other programs
  }
}

TEST(FinetuneReport, ALossThatIsNoNumberIsNull) {
  FinetuneReport r = sample();
  TrainState& s = r.training.state;
  s.validation_loss = NAN;
  s.best_loss.reset();
  s.best_step = -1;
  const nlohmann::json json = nlohmann::json::parse(to_json(r).dump());
  EXPECT_TRUE(json.at("validation_loss").is_null());
  const TrainState back = finetune_report_from_json(json, "test").training.state;
  EXPECT_TRUE(std::isnan(back.validation_loss.value()));
  EXPECT_EQ(back.first_validation_loss, 3.5);
  EXPECT_FALSE(back.best_loss.has_value());
}

TEST(FinetuneReport, OneThatLacksAKeyIsNamed) {
  nlohmann::json json = to_json(sample());
  json.erase("examples");
  try {
    finetune_report_from_json(json, "out/lqlora.json");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
    EXPECT_EQ(std::string(e.what()).find("out/lqlora.json: "), 0u) << e.what();
  }
}

}  // namespace
}  // namespace lq
