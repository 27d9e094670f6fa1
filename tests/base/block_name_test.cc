#include "base/block_name.h"

#include <gtest/gtest.h>

#include <limits>

namespace lq {
namespace {

TEST(BlockName, FirstPartThatIsANumber) {
  struct Case {
    const char* name;
    BlockName want;
  };
  const Case cases[] = {
      {"model.layers.12.mlp.up_proj", {"model.layers", 12, "mlp.up_proj", "model.layers.12"}},
      {"h.0.attn", {"h", 0, "attn", "h.0"}},
      {"model.layers.3.mlp.experts.7.w1", {"model.layers", 3, "mlp.experts.7.w1", "model.layers.3"}},
      {"a.1b.2.w", {"a.1b", 2, "w", "a.1b.2"}},
      {"a.007.w", {"a", 7, "w", "a.007"}},
      {"a..5", {"a.", 5, "", "a..5"}},
      {"a.5.", {"a", 5, "", "a.5"}},
      {"7", {"", 7, "", "7"}},
      {"7.w", {"", 7, "w", "7"}},
      {"a.9223372036854775807.w",
       {"a", std::numeric_limits<std::int64_t>::max(), "w", "a.9223372036854775807"}},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_block_name(c.name), c.want) << c.name;
}

TEST(BlockName, NothingElseIsOne) {
  for (const char* name : {"", ".", "a..b", "lm_head.weight", "layers.1b.x", "layers.-1.x", "layers.+1.x",
                           "layers. 1.x", "layers.9223372036854775808.w"}) {
    EXPECT_EQ(parse_block_name(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace lq
