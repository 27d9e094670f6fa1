// Pairs of texts against the library (tests/goldens/make_glue_goldens.py).
#include "tokenizers/text_pair.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/paths.h"
#include "tokenizers/tokenizer.h"

namespace lq::tokenizers {
namespace {

namespace fs = std::filesystem;

TEST(TextPair, EqualsTheLibrary) {
  const fs::path goldens = fs::path(test::source_dir()) / "tests" / "goldens";
  std::ifstream in(goldens / "glue.json");
  const auto golden = nlohmann::json::parse(in);
  const auto texts = golden["texts"].get<std::vector<std::string>>();
  int compared = 0;
  for (const auto& of : golden["tokenizers"]) {
    SCOPED_TRACE(of["tokenizer"].get<std::string>());
    const auto tokenizer = Tokenizer::load(goldens / "tokenizers" / of["tokenizer"].get<std::string>());
    for (const auto& pair : of["pairs"]) {
      std::optional<std::string_view> second;
      if (!pair["second"].is_null()) second = texts[pair["second"].get<std::size_t>()];
      const EncodedTexts e = encode_texts(*tokenizer, texts[pair["first"].get<std::size_t>()], second,
                                          pair["most"].get<std::int64_t>());
      const bool same = e.ids == pair["ids"].get<std::vector<std::int32_t>>() &&
                        e.types == pair["types"].get<std::vector<std::int32_t>>() &&
                        e.cut == pair["cut"].get<std::int64_t>();
      EXPECT_TRUE(same) << pair.dump().substr(0, 200);
      ++compared;
    }
  }
  EXPECT_EQ(compared, 4 * 6 * 7 * 4);
}

TEST(TextPair, LongestFirst) {
  using Kept = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(longest_first(3, 4, 7), Kept(3, 4));
  EXPECT_EQ(longest_first(3, 10, 8), Kept(3, 5));
  EXPECT_EQ(longest_first(10, 3, 8), Kept(5, 3));
  EXPECT_EQ(longest_first(6, 10, 9), Kept(4, 5));  // both above half: the second has the odd one,
  EXPECT_EQ(longest_first(10, 6, 9), Kept(5, 4));  // and where the first is longer, that one
  EXPECT_EQ(longest_first(20, 30, 7), Kept(3, 4));
  EXPECT_EQ(longest_first(0, 9, 4), Kept(0, 4));
}

TEST(TextPair, SaysWhatCannotBe) {
  const fs::path tokenizers = fs::path(test::source_dir()) / "tests" / "goldens" / "tokenizers";
  const auto sentencepiece = Tokenizer::load(tokenizers / "sp_bpe");
  try {
    encode_texts(*sentencepiece, "a", "b", 10);
    FAIL() << "a pair without a template";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("how two texts are put together"), std::string::npos);
  }
  EXPECT_FALSE(encode_texts(*sentencepiece, "a", std::nullopt, 10).ids.empty());
  const auto bert = Tokenizer::load(tokenizers / "wordpiece");
  EXPECT_THROW(encode_texts(*bert, "a", "b", 4), Error);  // three special tokens, one left for two texts
  EXPECT_THROW(encode_texts(*bert, "a", std::nullopt, 2), Error);
}

}  // namespace
}  // namespace lq::tokenizers
