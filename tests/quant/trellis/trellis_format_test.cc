// The format's entry of the table.
#include "quant/trellis/trellis_format.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "quant/format_set.h"

namespace lq {
namespace {

TEST(TrellisFormat, ItsChoicesAreWidthsAndBlocks) {
  const TrellisFormat format;
  EXPECT_EQ(format.choices(ChoiceSet::kAll).size(), 12U);
  EXPECT_EQ(format.choices(ChoiceSet::kLean), (std::vector<std::string>{"2,12,64", "3,12,64", "4,12,64"}));
  EXPECT_EQ(format.uniform(3), "3,12,64");
  EXPECT_THROW(format.uniform(8), Error);
  EXPECT_FALSE(format.unnamed());
  EXPECT_EQ(FormatSet({"tcq"}).uniform(2).name(), "tcq 2,12,64");
  EXPECT_EQ(FormatSet({"tcq"}).choice_of("4,16", "x").name(), "tcq 4,16,64");
  EXPECT_EQ(FormatSet({"nf", "tcq"}).choice_of("tcq,2,12,128", "x").name(), "tcq 2,12,128");
}

TEST(TrellisFormat, KnowsSearchAndFeedbackButNotGptq) {
  const TrellisFormat format;
  FormatSet({"tcq"}).check_options({ScaleMode::kSearch, Feedback::kOn});
  EXPECT_EQ(format.quantizer("2,12,64", {ScaleMode::kSearch, Feedback::kOn})->name(),
            "tcq 2,12,64 search feedback");
  try {
    format.quantizer("2,12,64", {.feedback = Feedback::kGptq});
    ADD_FAILURE() << "made";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("gptq"), std::string::npos);
  }
}

TEST(TrellisFormat, RefusesShapesThatCannotBe) {
  const TrellisFormat format;
  EXPECT_THROW(format.parts("2,12,64", 0, 5, "x"), Error);
  EXPECT_THROW(format.parts("2,12,64", std::int64_t{1} << 40, std::int64_t{1} << 40, "x"), Error);
  EXPECT_EQ(format.parts("2,12,64", 100, 100, "x")[0].shape, (Shape{7, 7 * 64}));
}

}  // namespace
}  // namespace lq
