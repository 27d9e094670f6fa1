#include "quant/codebook/codebook_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace lq {
namespace {

const CodebookFormat kNf(CodebookKind::kNormalFloat);

TEST(CodebookFormat, ParametersAreConfigurationsOrAWidth) {
  EXPECT_EQ(kNf.parse(" 3, 8 ,fp32, 64,256 ", "x"), "3,8,fp32,64,256");
  EXPECT_EQ(kNf.parse("3", "x"), kNf.uniform(3));
  for (const char* bad : {"", "7", "3,8", "x", "3,8,fp64,64,256"}) {
    try {
      kNf.parse(bad, "--config");
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(std::string(e.what()).rfind("--config: ", 0), 0U) << e.what();
    }
  }
}

TEST(CodebookFormat, LeanChoicesCoverEveryWidth) {
  const std::vector<std::string> lean = kNf.choices(ChoiceSet::kLean);
  EXPECT_EQ(lean.size(), 78U);
  EXPECT_EQ(kNf.choices(ChoiceSet::kAll).size(), 648U);
  for (const char* width : {"2,", "3,", "4,", "5,", "6,", "8,"}) {
    EXPECT_TRUE(
        std::any_of(lean.begin(), lean.end(), [&](const std::string& c) { return c.starts_with(width); }));
  }
}

TEST(CodebookFormat, NeighboursOfASweepShareAGroup) {
  const auto group = [](const char* parameters) { return kNf.sweep_place(parameters).group; };
  EXPECT_EQ(group("3,4,bf16,32,64"), group("3,4,fp32,32,256"));  // the second level changes little
  EXPECT_NE(group("3,3,bf16,32,64"), group("3,3,bf16,32,256"));  // but for coarse scales
  EXPECT_NE(group("8,8,bf16,32,64"), group("8,8,bf16,32,256"));
  EXPECT_NE(group("3,4,bf16,32,64"), group("3,4,bf16,64,64"));
  EXPECT_TRUE(kNf.sweep_place("8,4,bf16,32,64").alone);
  EXPECT_FALSE(kNf.sweep_place("8,8,bf16,32,64").alone);
  EXPECT_FALSE(kNf.sweep_place("4,2,bf16,32,64").alone);
}

}  // namespace
}  // namespace lq
