#include "unicode/module_pattern.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

TEST(ModulePattern, MatchesWholeNames) {
  const ModulePattern p(R"(.*\.layers\.\d+\.(self_attn|mlp)\.(q_proj|up_proj))", "w");
  EXPECT_TRUE(p.matches("model.layers.12.mlp.up_proj"));
  EXPECT_FALSE(p.matches("model.layers.12.mlp.up_proj.x"));
  EXPECT_FALSE(p.matches("model.layers.x.mlp.up_proj"));
  EXPECT_FALSE(p.matches(""));
  EXPECT_FALSE(ModulePattern("a|ab", "w").matches("abc"));
  EXPECT_TRUE(ModulePattern("a|ab", "w").matches("ab"));
}

TEST(ModulePattern, RefusesBrokenAndHostileOnes) {
  io_test::expect_error(ErrorCode::kCorruptFile, {"w: '(a' is not a regular expression"},
                        [] { ModulePattern("(a", "w"); });
  io_test::expect_error(ErrorCode::kInvalidArgument, {"w: '(a' is not a regular expression"},
                        [] { ModulePattern("(a", "w", ErrorCode::kInvalidArgument); });
  io_test::expect_error(ErrorCode::kCorruptFile, {"w: "},
                        [] { ModulePattern(std::string(100'000, 'a'), "w"); });
  io_test::expect_error(ErrorCode::kUnsupported, {"too much work"},
                        [] { ModulePattern("(a|aa)+(b|c)", "w").matches(std::string(60, 'a')); });
}

}  // namespace
}  // namespace lq
