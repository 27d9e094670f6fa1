#include "jobs/options/plan_options.h"

#include <gtest/gtest.h>

#include "base/option_error.h"
#include "files/options/job_identity.h"

namespace lq {
namespace {

TEST(PlanOptions, WhatIsLeftOpenIsDecided) {
  PlanOptions o;
  o.calibration.data = "a.txt";
  settle_plan(fields_of(o), {}, false);
  EXPECT_EQ(o.importance, ImportanceKind::kKfac);
  EXPECT_EQ(o.formats.text(), "tcq,nf");
  EXPECT_EQ(o.quantizer.feedback, Feedback::kOn);
  EXPECT_EQ(o.decompose.factors, DType::kF32);
  PlanChoices open;
  open.method.importance = ImportanceKind::kNone;
  open.method.formats = {"nf", "int"};
  settle_plan(fields_of(o), open, false);
  EXPECT_EQ(o.importance, ImportanceKind::kNone);
  EXPECT_EQ(o.formats.text(), "nf,int");
}

TEST(PlanOptions, OneSourceOfStatistics) {
  PlanOptions o;
  o.calibration.self = 8;
  settle_plan(fields_of(o), {}, false);
  EXPECT_EQ(o.importance, ImportanceKind::kKfac) << "its own samples are statistics as well";
  for (std::filesystem::path CalibrationSource::*other :
       {&CalibrationSource::data, &CalibrationSource::stats}) {
    PlanOptions both = o;
    both.calibration.*other = "a.txt";
    try {
      settle_plan(fields_of(both), {}, false);
      FAIL();
    } catch (const OptionError& e) {
      EXPECT_STREQ(e.what(),
                   "self excludes `data` and `stats`: the model samples the text to calibrate on itself");
    }
  }
}

TEST(PlanOptions, RanksFollowTheMethod) {
  PlanOptions o;
  o.ranks.automatic = true;
  settle_plan(fields_of(o), {}, false);
  EXPECT_EQ(o.decompose.factors, DType::kBf16) << "chosen ranks are stored short";
  o.decompose.method = DecomposeMethod::kQlora;
  try {
    settle_plan(fields_of(o), {}, false);
    FAIL();
  } catch (const OptionError& e) {
    EXPECT_STREQ(e.what(), "rank auto: method qlora has no low-rank part");
  }
  o.ranks = {};
  settle_plan(fields_of(o), {}, false);
  EXPECT_EQ(o.decompose.rank, 0);
}

TEST(PlanOptions, PinsGetTheNamesOfTheTable) {
  Constraints c;
  c.pins = {{.pattern = "*q_proj*", .choice = "nf3"}, {.pattern = "*", .choice = "int-row,4"}};
  settle_pins(c, FormatSet({"nf", "int-row"}));
  EXPECT_EQ(c.pins[0].choice, "3,8,fp32,64,256");
  EXPECT_EQ(c.pins[1].choice, "int-row 4");
  c.pins = {{.pattern = "*", .choice = "9,9"}};
  try {
    settle_pins(c, FormatSet());
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("pin *=9,9"), std::string::npos) << e.what();
  }
}

TEST(PlanOptions, OlderJobsNamedEnumsByNumber) {
  PlanOptions o;
  PlanChoices open;
  const auto today = [&](const nlohmann::json& old) {
    return identity_today(old, [&](OptionVisitor& v) { describe_quantizer(v, fields_of(o), open); });
  };
  EXPECT_EQ(today({{"codebook", 0}, {"scales", 1}, {"feedback", 2}}),
            nlohmann::json({{"codebook", {"nf"}}, {"scales", "search"}, {"feedback", "gptq"}}));
  const nlohmann::json several = {{"codebook", {"nf", "int-row"}}, {"scales", "absmax"}};
  EXPECT_EQ(today(several), several);
  EXPECT_EQ(today({{"codebook", 99}}), nlohmann::json({{"codebook", 99}})) << "unknown: another job";
}

}  // namespace
}  // namespace lq
