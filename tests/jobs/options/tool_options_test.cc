#include "jobs/options/tool_options.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/option_test_util.h"

namespace lq {
namespace {

using lq::test::option_infos;
using lq::test::set_option;

// What data preview shows is what finetune would learn from: the same options with the same defaults.
TEST(ToolOptions, APreviewReadsDataAsFinetuneDoes) {
  PreviewOptions preview;
  TrainingDataOptions data = finetune_defaults().data;
  const auto of_preview = option_infos(preview);
  for (const auto& [key, info] : option_infos(data)) {
    ASSERT_TRUE(of_preview.contains(key)) << key;
    EXPECT_EQ(of_preview.at(key).help, info.help) << key;
  }
  EXPECT_EQ(set_option(preview, "count", 0), 0) << "the summary alone";
  EXPECT_THROW(set_option(preview, "count", -1), Error);
}

TEST(ToolOptions, TokenizeReadsStandardInputUnlessAFileIsNamed) {
  TokenizeOptions o;
  const auto infos = option_infos(o);
  for (const auto& [key, info] : infos) EXPECT_EQ(info.required, key == "tokenizer") << key;
  EXPECT_EQ(infos.at("pieces").excludes, std::vector<std::string>{"decode"});
  set_option(o, "special", true);
  EXPECT_TRUE(o.special);
  EXPECT_FALSE(o.decode || o.pieces);
}

TEST(ToolOptions, InspectHashesUnlessToldNotTo) {
  InspectOptions o;
  EXPECT_FALSE(o.no_hash);
  EXPECT_EQ(option_infos(o).at("path").position, "PATH");
  set_option(o, "no-hash", true);
  EXPECT_TRUE(o.no_hash);
}

}  // namespace
}  // namespace lq
