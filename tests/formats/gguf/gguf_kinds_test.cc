#include <gtest/gtest.h>

#include <set>

#include "formats/gguf/gguf_kind.h"
#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

TEST(GgufKinds, EachIsThereOnce) {
  std::set<std::pair<std::string, bool>> names;
  for (const GgufKind& kind : gguf_kinds()) {
    EXPECT_TRUE(names.insert({kind.name, kind.experts}).second) << kind.name;
    EXPECT_TRUE(kind.names.outside.contains("token_embd")) << kind.name;
    for (const std::string& module : kind.names.with_bias) {
      EXPECT_TRUE(kind.names.inside.contains(module) || kind.names.outside.contains(module))
          << kind.name << " " << module;
    }
  }
  EXPECT_TRUE(names.contains({"gemma3", false}));
  EXPECT_TRUE(names.contains({"llama", true}));
}

// A key that nobody reads may change what is computed, whatever the kind.
TEST(GgufKinds, RefuseKeysThatTheyDoNotKnow) {
  for (const char* kind : {"llama", "qwen3", "gemma2", "gemma3", "phi3", "olmo2", "smollm3"}) {
    gguf_test::KindFile(kind)
        .u32("attention.indexer.top_k", 3)
        .expect_refused(ErrorCode::kUnsupported,
                        {std::string(kind) + ".attention.indexer.top_k is not understood"});
  }
  gguf_test::KindFile("olmo2")
      .u32("attention.sliding_window", 8)
      .expect_refused(ErrorCode::kUnsupported, {"olmo2.attention.sliding_window"});
}

}  // namespace
}  // namespace lq
