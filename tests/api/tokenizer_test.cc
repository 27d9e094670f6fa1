#include "lqlora/tokenizer.h"

#include "api_fixture.h"

namespace lqlora {
namespace {

TEST(ApiTokenizer, ThereAndBack) {
  const Tokenizer tokenizer = Tokenizer::load(quill());
  const auto ids = tokenizer.encode("It was a cold evening", false);
  EXPECT_GT(ids.size(), 2U);
  EXPECT_EQ(tokenizer.decode(ids), "It was a cold evening");
  const Tokenizer copy = tokenizer;
  EXPECT_EQ(copy.encode("It was a cold evening", false), ids);
  EXPECT_TRUE(tokenizer.eos().has_value());
  EXPECT_NE(error_of([&] { tokenizer.decode(std::vector<std::int32_t>{tokenizer.vocab_size()}); }), "none");
}

}  // namespace
}  // namespace lqlora
