#include "tokenizers/gpt_splitter.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "unicode/regex.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

// Characters at the seams of the patterns: letters, digits, apostrophes, all kinds of space, marks, other
// scripts.
const std::u32string kAlphabet =
    U"aZzsStTreEvVlLmMdD''''\u2019\u017f 09\u0663\u2167\u00b2  "
    U"\n\n\r\r\t\u00a0\u3000\u2028\u0085\u180e\u200b.,!?-_\u0301\u00e9\u4e2d"
    U"\U0001F600\u2581\x01";

std::string random_text(const Rng& rng, std::uint64_t sample) {
  std::string text;
  const std::uint64_t length = 1 + rng.below(sample * 100, 40);
  for (std::uint64_t i = 0; i < length; ++i) {
    utf8::append(text, kAlphabet[rng.below(sample * 100 + 1 + i, kAlphabet.size())]);
  }
  return text;
}

class GptSplitter : public testing::TestWithParam<GptPattern> {};

TEST_P(GptSplitter, EqualsPcre2OnRandomText) {
  const std::string_view source = GetParam() == GptPattern::kGpt2     ? kGpt2Regex
                                  : GetParam() == GptPattern::kLlama3 ? kLlama3Regex
                                                                      : kQwen2Regex;
  ASSERT_EQ(known_pattern(source), GetParam());
  const Regex regex(source, "test");
  const Rng rng(20240817);
  for (std::uint64_t sample = 0; sample < 30000; ++sample) {
    const std::string text = random_text(rng, sample);
    std::vector<std::string> expected, found;
    regex.for_each(text, [&](std::size_t begin, std::size_t end) {
      expected.push_back(text.substr(begin, end - begin));
    });
    for_each_gpt_word(GetParam(), text, [&](std::string_view word) { found.emplace_back(word); });
    ASSERT_EQ(found, expected) << "sample " << sample << ": " << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, GptSplitter,
                         testing::Values(GptPattern::kGpt2, GptPattern::kLlama3, GptPattern::kQwen2));

TEST(KnownPattern, OnlyTheExactText) {
  EXPECT_EQ(known_pattern(""), std::nullopt);
  EXPECT_EQ(known_pattern(std::string(kGpt2Regex) + "|x"), std::nullopt);
}

}  // namespace
}  // namespace lq::tokenizers
