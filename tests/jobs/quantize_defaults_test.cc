#include "jobs/quantize_defaults.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(Settle, OursWithStatistics) {
  const MethodSettings s = settle({.has_statistics = true});
  EXPECT_EQ(s.importance, ImportanceKind::kKfac);
  EXPECT_EQ(s.quantizer.feedback, Feedback::kOn);
  EXPECT_EQ(s.formats.text(), "tcq,nf");
  EXPECT_EQ(s.quantizer.scales, ScaleMode::kSearch);
  const MethodSettings uniform = settle({.uniform = true, .has_statistics = true});
  EXPECT_EQ(uniform.formats.text(), "nf");
  EXPECT_EQ(uniform.quantizer.scales, ScaleMode::kSearch);
}

TEST(Settle, OursWithout) {
  const MethodSettings s = settle({});
  EXPECT_EQ(s.importance, ImportanceKind::kNone);
  EXPECT_EQ(s.quantizer.feedback, Feedback::kOff);
  EXPECT_EQ(s.formats.text(), "nf");
  EXPECT_EQ(s.quantizer.scales, ScaleMode::kSearch);
  EXPECT_EQ(settle({.uniform = true}).quantizer.scales, ScaleMode::kAbsMax);
}

TEST(Settle, ThePapersMethodsAsTheyAre) {
  for (const auto method : {DecomposeMethod::kQlora, DecomposeMethod::kLoftq, DecomposeMethod::kLorc}) {
    const MethodSettings s = settle({.method = method});
    EXPECT_EQ(s.importance, ImportanceKind::kNone);
    EXPECT_EQ(s.formats.text(), "nf");
    EXPECT_EQ(s.quantizer.scales, ScaleMode::kAbsMax);
    EXPECT_EQ(s.quantizer.feedback, Feedback::kOff);
  }
  const MethodSettings gptq =
      settle({.method = DecomposeMethod::kGptq, .uniform = true, .has_statistics = true});
  EXPECT_EQ(gptq.importance, ImportanceKind::kInput);
  EXPECT_EQ(gptq.quantizer.feedback, Feedback::kGptq);
  EXPECT_EQ(gptq.formats.text(), "int");
  EXPECT_EQ(settle({.uniform = true}).formats.text(), "nf");
}

TEST(Settle, OneTurnWithStatisticsIsWeighedAsOurs) {
  const MethodSettings s = settle({.method = DecomposeMethod::kLorc, .has_statistics = true});
  EXPECT_EQ(s.importance, ImportanceKind::kKfac);
  EXPECT_EQ(s.quantizer.feedback, Feedback::kOn);
  EXPECT_EQ(s.formats.text(), "tcq,nf");
  EXPECT_EQ(s.quantizer.scales, ScaleMode::kSearch);
}

TEST(Settle, StatisticsThatNothingWouldUseAreRefused) {
  for (const auto method : {DecomposeMethod::kQlora, DecomposeMethod::kLoftq}) {
    EXPECT_THROW(settle({.method = method, .has_statistics = true}), Error);
    EXPECT_EQ(
        settle({.method = method, .has_statistics = true, .importance = ImportanceKind::kNone}).importance,
        ImportanceKind::kNone);
    EXPECT_EQ(
        settle({.method = method, .has_statistics = true, .importance = ImportanceKind::kInput}).importance,
        ImportanceKind::kInput);
  }
}

TEST(Settle, WhatIsGivenStays) {
  const MethodSettings s = settle({.has_statistics = true,
                                   .importance = ImportanceKind::kFisher,
                                   .formats = {"nf"},
                                   .scales = ScaleMode::kAbsMax});
  EXPECT_EQ(s.importance, ImportanceKind::kFisher);
  EXPECT_EQ(s.formats.text(), "nf");
  EXPECT_EQ(s.quantizer.scales, ScaleMode::kAbsMax);
  EXPECT_EQ(settle({.has_statistics = true, .feedback = false}).quantizer.feedback, Feedback::kOff);
}

TEST(Settle, RefusesWhatDoesNotGoTogether) {
  EXPECT_THROW(settle({.importance = ImportanceKind::kKfac}), Error);
  EXPECT_THROW(settle({.feedback = true}), Error);
  EXPECT_THROW(settle({.has_statistics = true, .importance = ImportanceKind::kFisher, .feedback = true}),
               Error);
  EXPECT_THROW(settle({.method = DecomposeMethod::kGptq}), Error);
  EXPECT_THROW(settle({.method = DecomposeMethod::kGptq, .has_statistics = true, .feedback = false}), Error);
}

TEST(Settle, FormatsThatKnowOneWayGetIt) {
  const MethodSettings rows = settle({.has_statistics = true, .formats = {"int-row"}});
  EXPECT_EQ(rows.importance, ImportanceKind::kKfac);
  EXPECT_EQ(rows.quantizer.feedback, Feedback::kOff);
  EXPECT_EQ(rows.quantizer.scales, ScaleMode::kAbsMax);
  const MethodSettings both = settle({.formats = {"int-row", "nf"}});
  EXPECT_EQ(both.quantizer.scales, ScaleMode::kSearch);
  EXPECT_EQ(both.formats.text(), "int-row,nf");
  EXPECT_THROW(settle({.formats = {"int-row"}, .scales = ScaleMode::kSearch}), Error);
  EXPECT_THROW(settle({.has_statistics = true, .formats = {"int-row"}, .feedback = true}), Error);
  EXPECT_THROW(
      settle({.method = DecomposeMethod::kGptq, .has_statistics = true, .formats = {"int", "int-row"}}),
      Error);
}

}  // namespace
}  // namespace lq
