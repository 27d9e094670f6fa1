#include "compare/compare_options.h"

#include <gtest/gtest.h>

#include "files/options/job_identity.h"
#include "support/option_test_util.h"

namespace lq {
namespace {

using lq::test::option_infos;
using lq::test::set_option;

TEST(CompareOptions, ARecipeAndAFolderAreNeeded) {
  CompareOptions o;
  const auto infos = option_infos(o);
  ASSERT_EQ(infos.size(), 3U);
  EXPECT_TRUE(infos.at("recipe").required);
  EXPECT_EQ(infos.at("recipe").position, "RECIPE");
  EXPECT_TRUE(infos.at("out").required);
  EXPECT_EQ(infos.at("out").letter, "o");
  EXPECT_FALSE(infos.at("overwrite").required);
}

TEST(CompareOptions, OnlyTheRecipeIsPartOfTheResult) {
  CompareOptions o;
  set_option(o, "recipe", "r.toml");
  const auto identity = [&o] {
    return with_identity(nlohmann::json::object(), [&o](OptionVisitor& v) { describe(v, o); });
  };
  const nlohmann::json before = identity();
  set_option(o, "out", "elsewhere");
  set_option(o, "overwrite", true);
  EXPECT_TRUE(o.overwrite);
  EXPECT_EQ(o.out, "elsewhere");
  EXPECT_EQ(identity(), before);
  EXPECT_EQ(before, nlohmann::json({{"recipe", "r.toml"}}));
}

}  // namespace
}  // namespace lq
