#include "tokenizers/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq::tokenizers {
namespace {

PreTokenizerSteps steps_of(const std::string& spec, bool model_reads_bytes = false) {
  return make_pre_tokenizer(nlohmann::json::parse(spec), model_reads_bytes, "f");
}

// The words, with bars between.
std::string pre_words(const PreTokenizerSteps& steps, std::string_view text, bool at_start = true) {
  WordList list;
  list.words.push_back({text, at_start});
  for (const auto& step : steps.steps) step->apply(list);
  std::string out;
  for (const auto& word : list.words) {
    EXPECT_FALSE(word.text.empty());
    if (!out.empty()) out += '|';
    out += word.text;
  }
  return out;
}
std::string pre_words(const std::string& spec, std::string_view text) {
  return pre_words(steps_of(spec), text);
}

TEST(PreTokenizer, NullCutsNothing) {
  const PreTokenizerSteps none = steps_of("null");
  EXPECT_TRUE(none.steps.empty());
  EXPECT_FALSE(none.byte_level);
  EXPECT_FALSE(none.only_pattern);
}

TEST(PreTokenizer, WhiteSpace) {
  EXPECT_EQ(pre_words(R"({"type": "Whitespace"})", " Hey, you?! a_1\u00A0b"), "Hey|,|you|?!|a_1|b");
  EXPECT_EQ(pre_words(R"({"type": "WhitespaceSplit"})", " Hey, you?!\u3000b "), "Hey,|you?!|b");
  EXPECT_EQ(pre_words(R"({"type": "Whitespace"})", " \n "), "");
}

TEST(PreTokenizer, PunctuationAndBert) {
  EXPECT_EQ(pre_words(R"({"type": "Punctuation"})", "a$,b \u2014"), "a|$|,|b |\u2014");
  EXPECT_EQ(pre_words(R"({"type": "Punctuation", "behavior": "Contiguous"})", "a$,b"), "a|$,|b");
  EXPECT_EQ(pre_words(R"({"type": "BertPreTokenizer"})", "Hi, a.b  c"), "Hi|,|a|.|b|c");
}

TEST(PreTokenizer, Digits) {
  EXPECT_EQ(pre_words(R"({"type": "Digits"})", "ab123c4"), "ab|123|c|4");
  EXPECT_EQ(pre_words(R"({"type": "Digits", "individual_digits": true})", "ab12\u00BDc"), "ab|1|2|\u00BD|c");
}

TEST(PreTokenizer, FixedLengthCountsCharacters) {
  EXPECT_EQ(pre_words(R"({"type": "FixedLength"})", "abcdefgh"), "abcde|fgh");
  EXPECT_EQ(pre_words(R"({"type": "FixedLength", "length": 2})", "a\u00E9\u4E2Dbc"), "a\u00E9|\u4E2Db|c");
}

TEST(PreTokenizer, UnicodeScriptsCutWhereTheScriptChanges) {
  EXPECT_EQ(pre_words(R"({"type": "UnicodeScripts"})", "ab \u4E2D\u30AB\u044F"), "ab |\u4E2D\u30AB|\u044F");
  EXPECT_EQ(pre_words(R"({"type": "UnicodeScripts"})", "  a b"), "a b") << "what comes before is lost";
  EXPECT_EQ(pre_words(R"({"type": "UnicodeScripts"})", "  "), "");
}

TEST(PreTokenizer, DelimitersAreLeftOut) {
  EXPECT_EQ(pre_words(R"({"type": "CharDelimiterSplit", "delimiter": "-"})", "-a-b--c"), "a|b|c");
  EXPECT_EQ(pre_words(R"({"type": "Delimiter", "delimiter": "."})", "a.b"), "a|b") << "a dot is a dot";
}

TEST(PreTokenizer, SplitByPatternBehaviorAndInversion) {
  const auto split = [](const std::string& rest) { return R"({"type": "Split", "pattern": )" + rest + "}"; };
  EXPECT_EQ(pre_words(split(R"({"Regex": "\\d+"}, "behavior": "MergedWithNext")"), "a12b3"), "a|12b|3");
  EXPECT_EQ(pre_words(split(R"({"Regex": "\\d+"}, "behavior": "Removed")"), "a12b3"), "a|b");
  EXPECT_EQ(pre_words(split(R"({"Regex": "\\d+"}, "behavior": "Removed", "invert": true)"), "a12b3"), "12|3");
  EXPECT_EQ(pre_words(split(R"({"String": "d+"}, "behavior": "Isolated")"), "ad+b"), "a|d+|b");
}

TEST(PreTokenizer, MetaspaceMarksSpaces) {
  EXPECT_EQ(pre_words(R"({"type": "Metaspace"})", "Hey  you"), "\u2581Hey|\u2581|\u2581you");
  EXPECT_EQ(pre_words(R"({"type": "Metaspace"})", " a"), "\u2581a") << "it has its marker already";
  EXPECT_EQ(pre_words(R"({"type": "Metaspace", "split": false})", "a b"), "\u2581a\u2581b");
  EXPECT_EQ(pre_words(R"({"type": "Metaspace", "replacement": "_"})", "a b"), "_a|_b");
  EXPECT_EQ(pre_words(R"({"type": "Metaspace", "prepend_scheme": "never"})", "a b"), "a|\u2581b");
  EXPECT_EQ(pre_words(R"({"type": "Metaspace", "add_prefix_space": false})", "a b"), "a|\u2581b");
}

TEST(PreTokenizer, MetaspaceFirstMarksOnlyTheStartOfTheWholeText) {
  const PreTokenizerSteps first = steps_of(R"({"type": "Metaspace", "prepend_scheme": "first"})");
  EXPECT_EQ(pre_words(first, "a b", true), "\u2581a|\u2581b");
  EXPECT_EQ(pre_words(first, "a b", false), "a|\u2581b");
  const std::string after_cuts = R"({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                                     {"type": "Metaspace", "prepend_scheme": "first"}]})";
  EXPECT_EQ(pre_words(after_cuts, "a b"), "\u2581a|b");
  EXPECT_EQ(pre_words(after_cuts, " a b"), "a|b") << "a space lies before the first word";
}

TEST(PreTokenizer, ByteLevelPrefixAndPattern) {
  EXPECT_EQ(pre_words(R"({"type": "ByteLevel"})", "a b\u00E9"), "\u0120a|\u0120b\u00C3\u00A9");
  EXPECT_EQ(pre_words(R"({"type": "ByteLevel"})", " a"), "\u0120a");
  EXPECT_EQ(pre_words(R"({"type": "ByteLevel", "add_prefix_space": false})", "a b"), "a|\u0120b");
  EXPECT_EQ(pre_words(R"({"type": "ByteLevel", "use_regex": false})", "a b"), "\u0120a\u0120b");
}

TEST(PreTokenizer, AModelThatReadsBytesGetsThemRawFromALastByteLevel) {
  const PreTokenizerSteps last = steps_of(R"({"type": "ByteLevel"})", true);
  EXPECT_TRUE(last.byte_level);
  EXPECT_EQ(pre_words(last, "a b"), " a| b");
  const PreTokenizerSteps inside =
      steps_of(R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]})", true);
  EXPECT_FALSE(inside.byte_level);
  EXPECT_EQ(pre_words(inside, "a1"), "\u0120a|1");
}

TEST(PreTokenizer, OnlyPatternWhereCuttingIsAllThatHappens) {
  EXPECT_EQ(steps_of(R"({"type": "ByteLevel", "add_prefix_space": false})", true).only_pattern,
            GptPattern::kGpt2);
  EXPECT_FALSE(steps_of(R"({"type": "ByteLevel", "add_prefix_space": false})", false).only_pattern);
  EXPECT_FALSE(steps_of(R"({"type": "ByteLevel"})", true).only_pattern) << "the prefix is a step of its own";
  const nlohmann::json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  nlohmann::json split = {
      {"type", "Split"}, {"pattern", {{"Regex", kQwen2Regex}}}, {"behavior", "Removed"}, {"invert", true}};
  EXPECT_EQ(make_pre_tokenizer(split, false, "f").only_pattern, GptPattern::kQwen2);
  nlohmann::json both = {{"type", "Sequence"}, {"pretokenizers", nlohmann::json::array({split, bytes})}};
  EXPECT_EQ(make_pre_tokenizer(both, true, "f").only_pattern, GptPattern::kQwen2);
  EXPECT_FALSE(make_pre_tokenizer(both, false, "f").only_pattern);
  split["behavior"] = "MergedWithNext";
  EXPECT_FALSE(make_pre_tokenizer(split, false, "f").only_pattern);
}

TEST(PreTokenizer, RefusesWhatItCannotRead) {
  const auto refused = [](ErrorCode code, std::string_view part, const std::string& spec) {
    io_test::expect_error(code, {"f: pre_tokenizer: ", part}, [&] { steps_of(spec); });
  };
  refused(ErrorCode::kUnsupported, "pre-tokenizer of type 'Other'", R"({"type": "Other"})");
  refused(ErrorCode::kUnsupported, "Metaspace: prepend_scheme 'last' (always, first or never)",
          R"({"type": "Metaspace", "prepend_scheme": "last"})");
  refused(ErrorCode::kCorruptFile, "Metaspace: 'replacement' should be one character",
          R"({"type": "Metaspace", "replacement": ""})");
  refused(ErrorCode::kUnsupported, "split behavior 'Other'",
          R"({"type": "Punctuation", "behavior": "Other"})");
  refused(ErrorCode::kCorruptFile, "key 'behavior' is missing",
          R"({"type": "Split", "pattern": {"String": "a"}})");
  refused(ErrorCode::kCorruptFile, "key 'delimiter' is missing", R"({"type": "CharDelimiterSplit"})");
}

}  // namespace
}  // namespace lq::tokenizers
