#include "jobs/quantize_defaults.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"

namespace lq {
namespace {

TEST(Settle, OursWithStatistics) {
  const MethodSettings s = settle({.has_statistics = true});
  EXPECT_EQ(s.weights, WeightsKind::kKfac);
  EXPECT_EQ(s.quantizer.feedback, Feedback::kOn);
  EXPECT_EQ(s.quantizer.kind, CodebookKind::kLloydMax);
  EXPECT_EQ(s.quantizer.scales, ScaleMode::kAbsMax);
}

TEST(Settle, OursWithout) {
  const MethodSettings s = settle({});
  EXPECT_EQ(s.weights, WeightsKind::kNone);
  EXPECT_EQ(s.quantizer.feedback, Feedback::kOff);
  EXPECT_EQ(s.quantizer.scales, ScaleMode::kSearch);
}

TEST(Settle, ThePapersMethodsAsTheyAre) {
  for (const auto method : {DecomposeMethod::kQlora, DecomposeMethod::kLoftq, DecomposeMethod::kLorc}) {
    const MethodSettings s = settle({.method = method, .has_statistics = true});
    EXPECT_EQ(s.weights, WeightsKind::kNone);
    EXPECT_EQ(s.quantizer.kind, CodebookKind::kNormalFloat);
    EXPECT_EQ(s.quantizer.scales, ScaleMode::kAbsMax);
    EXPECT_EQ(s.quantizer.feedback, Feedback::kOff);
  }
  const MethodSettings gptq =
      settle({.method = DecomposeMethod::kGptq, .uniform = true, .has_statistics = true});
  EXPECT_EQ(gptq.weights, WeightsKind::kInput);
  EXPECT_EQ(gptq.quantizer.feedback, Feedback::kGptq);
  EXPECT_EQ(gptq.quantizer.kind, CodebookKind::kUniformInt);
  EXPECT_EQ(settle({.uniform = true}).quantizer.kind, CodebookKind::kNormalFloat);
}

TEST(Settle, WhatIsGivenStays) {
  const MethodSettings s = settle({.has_statistics = true,
                                   .weights = WeightsKind::kFisher,
                                   .codebook = CodebookKind::kNormalFloat,
                                   .scales = ScaleMode::kAbsMax});
  EXPECT_EQ(s.weights, WeightsKind::kFisher);
  EXPECT_EQ(s.quantizer.kind, CodebookKind::kNormalFloat);
  EXPECT_EQ(s.quantizer.scales, ScaleMode::kAbsMax);
  EXPECT_EQ(settle({.has_statistics = true, .feedback = false}).quantizer.feedback, Feedback::kOff);
}

TEST(Settle, RefusesWhatDoesNotGoTogether) {
  EXPECT_THROW(settle({.weights = WeightsKind::kKfac}), Error);
  EXPECT_THROW(settle({.feedback = true}), Error);
  EXPECT_THROW(settle({.has_statistics = true, .weights = WeightsKind::kFisher, .feedback = true}), Error);
  EXPECT_THROW(settle({.method = DecomposeMethod::kGptq}), Error);
  EXPECT_THROW(settle({.method = DecomposeMethod::kGptq, .has_statistics = true, .feedback = false}), Error);
}

TEST(LeanConfigs, CoverEveryWidth) {
  EXPECT_EQ(lean_nf_configs().size(), 66U);
  for (const int bits : {2, 3, 4, 8}) {
    EXPECT_TRUE(std::any_of(lean_nf_configs().begin(), lean_nf_configs().end(),
                            [&](const CodebookConfig& c) { return c.bits == bits; }));
  }
}

}  // namespace
}  // namespace lq
