#include "data/token_spans.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/rng.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

fs::path tokenizers() { return fs::path(test::source_dir()) / "tests" / "goldens" / "tokenizers"; }

const std::vector<std::string> kTexts = {
    "the ferry left and came back",
    "  two spaces, a\ttab\n\nand lines \r\n",
    "caf\u00e9 na\u00efve \u4f60\u597d \U0001F600\U0001F680 end",
    "x",
    "3.14159 + 2 = 5.14159!!!",
    "\u00df\u01c6 e\u0301 \u200b",
};

TEST(TokenSpans, CoverTheTextInOrder) {
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(tokenizers())) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path().filename().string());
    const auto tokenizer = Tokenizer::load(entry.path());
    for (const std::string& text : kTexts) {
      const auto ids = tokenizer->encode(text, false);
      const auto spans = token_spans(*tokenizer, text, ids);
      if (!spans) continue;
      ++checked;
      ASSERT_EQ(spans->size(), ids.size());
      std::size_t at = 0;
      for (std::size_t i = 0; i < spans->size(); ++i) {
        const TextSpan s = (*spans)[i];
        const bool same = i > 0 && s == (*spans)[i - 1];  // tokens of one character
        EXPECT_TRUE(same || s.begin == at) << text << " token " << i;
        EXPECT_LE(s.begin, s.end);
        at = s.end;
      }
      EXPECT_EQ(text.substr(at).find_first_not_of(" \n\r\t"), std::string::npos);
    }
  }
  EXPECT_GE(checked, 12) << "at least two tokenizers spell every text";
}

// As transformers' offsets have it: a mark such as Phi-3's "<|end|>" holds the line end behind it, so that
// the mark of the next turn is not trained with it.
TEST(TokenSpans, ATokenHoldsTheSpaceThatItTakes) {
  const auto tokenizer = Tokenizer::load(tokenizers() / "bpe_roberta");
  const std::string text =
      "a ferry\u3000 \nleft";  // "ferry" is a token of its own that takes what is behind it
  const auto ids = tokenizer->encode(text, false);
  const auto ferry = std::ranges::find(ids, *tokenizer->id_of("ferry"));
  ASSERT_NE(ferry, ids.end());
  EXPECT_TRUE(tokenizer->takes_space_behind(*ferry));
  EXPECT_FALSE(tokenizer->takes_space_behind(ids.front()));
  const auto places = token_spans(*tokenizer, text, ids);
  ASSERT_TRUE(places);
  const auto at = static_cast<std::size_t>(ferry - ids.begin());
  EXPECT_EQ(places->at(at), (TextSpan{2, 12}));
  EXPECT_EQ(places->at(at + 1).begin, 12u);
  const std::vector<TextSpan> space = {{10, 12}};
  std::vector<std::uint8_t> only(ids.size(), 0);
  only[at] = 1;
  EXPECT_EQ(tokens_in_spans(*tokenizer, text, ids, {.add_special = false}, space), only);
}

// The mask of characters as a mask of tokens, on random borders: a token is trained exactly where its span
// meets the trained one.
TEST(TokenSpans, MasksFollowTheCharacters) {
  const auto tokenizer = Tokenizer::load(tokenizers() / "sp_bpe");
  const std::string text = "the ferry left the harbour and came back in the evening";
  const auto ids = tokenizer->encode(text, false);
  const auto places = token_spans(*tokenizer, text, ids);
  ASSERT_TRUE(places);
  const Rng rng(3);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::size_t begin = rng.below(2 * i, text.size());
    const std::size_t end = begin + 1 + rng.below(2 * i + 1, text.size() - begin);
    const std::vector<TextSpan> spans = {{begin, end}};
    const auto mask = tokens_in_spans(*tokenizer, text, ids, {.add_special = false}, spans);
    for (std::size_t t = 0; t < ids.size(); ++t) {
      const TextSpan s = (*places)[t];
      EXPECT_EQ(mask[t] != 0, s.begin < end && begin < s.end) << begin << " " << end << " token " << t;
    }
  }
}

TEST(TokenSpans, SeveralSpansAndEmptyOnes) {
  const auto tokenizer = Tokenizer::load(tokenizers() / "sp_bpe");
  const std::string text = "one two three four";
  const auto ids = tokenizer->encode(text, false);
  const auto learnt = [&](std::vector<TextSpan> spans) {
    std::vector<std::int32_t> out;
    const auto mask = tokens_in_spans(*tokenizer, text, ids, {.add_special = false}, spans);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (mask[i] != 0) out.push_back(ids[i]);
    }
    return tokenizer->decode(out, false);
  };
  EXPECT_EQ(learnt({{0, 3}, {8, 13}}), "one three");
  EXPECT_EQ(learnt({{0, text.size()}}), text);
  EXPECT_EQ(learnt({}), "");
  EXPECT_EQ(learnt({{4, 4}}), "");
}

}  // namespace
}  // namespace lq
