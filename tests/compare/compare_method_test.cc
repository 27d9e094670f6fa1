#include "compare/compare_method.h"

#include <gtest/gtest.h>

#include <set>

namespace lq {
namespace {

TEST(CompareMethod, NamesAreUniqueAndPlansHold) {
  std::set<std::string_view> names, titles;
  for (const CompareMethod method : all_compare_methods()) {
    names.insert(compare_method_name(method));
    titles.insert(compare_method_title(method));
    if (!has_packed_base(method)) continue;
    const MethodPlan plan = compare_method_plan(method, 8);
    // What starts from factors has some, and what needs statistics uses them.
    EXPECT_EQ(plan.rank, has_factors(method) ? 8 : 0) << compare_method_name(method);
    EXPECT_EQ(plan.settings.importance != ImportanceKind::kNone, needs_statistics(method));
  }
  EXPECT_EQ(names.size(), 13u);
  EXPECT_EQ(titles.size(), 13u);
}

TEST(CompareMethod, BaselinesAreAsTheirPapersHaveThem) {
  const MethodPlan fisher = compare_method_plan(CompareMethod::kLqFisher, 8);
  EXPECT_EQ(fisher.settings.importance, ImportanceKind::kFisher);
  EXPECT_EQ(fisher.settings.formats.text(), "nf");
  EXPECT_EQ(fisher.settings.quantizer.scales, ScaleMode::kAbsMax);
  EXPECT_EQ(fisher.settings.quantizer.feedback, Feedback::kOff);
  EXPECT_EQ(compare_method_plan(CompareMethod::kLq, 8).settings.formats.text(), "nf");
  EXPECT_EQ(compare_method_plan(CompareMethod::kQlora, 8).settings.formats.text(), "nf");
  EXPECT_EQ(compare_method_plan(CompareMethod::kGptqLora, 8).settings.quantizer.feedback, Feedback::kGptq);
}

TEST(CompareMethod, OursIsTheDefaultOfQuantize) {
  MethodChoices choices;
  choices.has_statistics = true;
  const MethodSettings settings = settle(choices);
  for (const auto method : {CompareMethod::kOurs, CompareMethod::kOursLorc}) {
    const MethodSettings ours = compare_method_plan(method, 8).settings;
    EXPECT_EQ(ours.importance, settings.importance);
    EXPECT_EQ(ours.formats.text(), settings.formats.text());
    EXPECT_EQ(ours.quantizer.scales, settings.quantizer.scales);
    EXPECT_EQ(ours.quantizer.feedback, settings.quantizer.feedback);
  }
  EXPECT_EQ(compare_method_plan(CompareMethod::kOursLorc, 8).decompose, DecomposeMethod::kLorc);
  EXPECT_EQ(lora_start(CompareMethod::kOursLorc), LoraStart::kAdapter);
  EXPECT_EQ(compare_method_plan(CompareMethod::kLorc, 8).settings.importance, ImportanceKind::kNone);
}

TEST(CompareMethod, BesideSharesTheBaseOfOurs) {
  for (const CompareMethod method : all_compare_methods()) {
    const bool beside = method == CompareMethod::kOursBeside;
    EXPECT_EQ(base_method(method), beside ? CompareMethod::kOurs : method);
    EXPECT_EQ(lora_start(method) == LoraStart::kStacked, beside);
  }
  EXPECT_EQ(lora_start(CompareMethod::kQlora), LoraStart::kZero);
  EXPECT_EQ(lora_start(CompareMethod::kLoftq), LoraStart::kAdapter);
  EXPECT_EQ(compare_method_plan(CompareMethod::kOursBeside, 8).settings.importance,
            compare_method_plan(CompareMethod::kOurs, 8).settings.importance);
}

TEST(CompareMethod, OneWidthReachesWholeBitsOnly) {
  EXPECT_EQ(why_not(CompareMethod::kGptqLora, 3.0), "");
  EXPECT_NE(why_not(CompareMethod::kGptqLora, 2.5), "");
  EXPECT_NE(why_not(CompareMethod::kLoftqUniform, 7.0), "");
  EXPECT_EQ(why_not(CompareMethod::kLoftq, 2.5), "");
  EXPECT_EQ(why_not(CompareMethod::kLora, 0.0), "");
}

}  // namespace
}  // namespace lq
