#include "quant/format_set.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/error.h"

namespace lq {
namespace {

TEST(FormatSet, NamesAreShortWhereOneFormatGoesWithoutItsName) {
  const QuantChoice nf = parse_choice("nf,3", "test");
  const QuantChoice lm = parse_choice("lm,3", "test");
  const QuantChoice row = parse_choice("int-row,4", "test");
  const FormatSet one;
  EXPECT_EQ(one.name_of(nf), "3,8,fp32,64,256");
  EXPECT_EQ(one.name_of(row), "int-row 4");
  const FormatSet beside({"int-row", "nf"});
  EXPECT_EQ(beside.name_of(nf), "3,8,fp32,64,256");
  EXPECT_EQ(beside.name_of(row), "int-row 4");
  const FormatSet two({"nf", "lm"});
  EXPECT_EQ(two.name_of(nf), "nf 3,8,fp32,64,256");
  EXPECT_EQ(two.name_of(lm), "lm 3,8,fp32,64,256");
  for (const FormatSet& formats : {one, beside, two}) {
    for (const QuantChoice& choice : {nf, lm, row})
      EXPECT_EQ(formats.choice_of(formats.name_of(choice), "test"), choice);
  }
  EXPECT_EQ(beside.choice_of("2,4,bf16,32,64", "test").format, "nf");
  EXPECT_EQ(FormatSet({"int-row"}).choice_of("4", "test"), row);
  EXPECT_THROW(two.choice_of("3,8,fp32,64,256", "test"), Error);
  EXPECT_THROW(one.choice_of("", "test"), Error);
}

TEST(FormatSet, ListsAndUniformChoices) {
  EXPECT_EQ(FormatSet::parse("nf,int-row", "--format").text(), "nf,int-row");
  EXPECT_EQ(FormatSet::parse("nf,int-row", "--format").choices(ChoiceSet::kLean).size(), 82U);
  // Of what trellis codes are better at, two of a width are tried beside them.
  std::map<char, int> of_width;
  for (const QuantChoice& choice : FormatSet::parse("tcq,nf", "--format").choices(ChoiceSet::kLean)) {
    if (choice.format == "nf") ++of_width[choice.parameters[0]];
  }
  EXPECT_EQ(of_width['2'], 2);
  EXPECT_EQ(of_width['3'], 2);
  EXPECT_GT(of_width['4'], 2);
  for (const QuantFormat* format : quant_formats())
    EXPECT_EQ(format->outdoes_below(), format->name() == "tcq" ? 4 : 0) << format->name();
  EXPECT_EQ(FormatSet().choices(ChoiceSet::kAll).size(), 648U);
  EXPECT_EQ(FormatSet({"int-row", "lm"}).uniform(3), parse_choice("lm,3", "test"));
  EXPECT_EQ(FormatSet({"int-row"}).uniform(3), parse_choice("int-row,3", "test"));
  EXPECT_THROW(FormatSet({"nf", "lm"}).uniform(3), Error);
  EXPECT_THROW(FormatSet().uniform(7), Error);
  for (const char* bad : {"", "nf,", "nf,nf", "nf4", ",nf"})
    EXPECT_THROW(FormatSet::parse(bad, "x"), Error) << bad;
  EXPECT_THROW(FormatSet(std::vector<std::string>{}), Error);
}

TEST(FormatSet, OptionsThatNoFormatKnowsAreRefused) {
  FormatSet().check_options({.scales = ScaleMode::kSearch, .feedback = Feedback::kOn});
  FormatSet({"int-row", "nf"}).check_options({.scales = ScaleMode::kSearch});
  const FormatSet rows({"int-row"});
  rows.check_options({});
  EXPECT_THROW(rows.check_options({.scales = ScaleMode::kSearch}), Error);
  EXPECT_THROW(rows.check_options({.feedback = Feedback::kGptq}), Error);
}

}  // namespace
}  // namespace lq
