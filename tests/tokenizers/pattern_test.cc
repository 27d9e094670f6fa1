#include "tokenizers/pattern.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq::tokenizers {
namespace {

Pattern pattern_of(const std::string& spec) { return {nlohmann::json::parse(spec), "f"}; }

// Matches as "begin-end", with spaces between.
std::string matches_of(const Pattern& pattern, std::string_view text) {
  std::string out;
  pattern.for_each(text, [&](std::size_t begin, std::size_t end) {
    if (!out.empty()) out += ' ';
    out += std::to_string(begin) + '-' + std::to_string(end);
  });
  return out;
}

TEST(Pattern, LiteralsBothWays) {
  for (const char* spec : {R"("a.")", R"({"String": "a."})"}) {
    const Pattern pattern = pattern_of(spec);
    EXPECT_EQ(matches_of(pattern, "ab a. a.a."), "3-5 6-8 8-10") << "a dot is a dot";
    EXPECT_EQ(pattern.replace("xa.y", "-"), "x-y");
    EXPECT_EQ(pattern.regex_source(), "");
  }
  EXPECT_EQ(matches_of(pattern_of(R"("aa")"), "aaaaa"), "0-2 2-4") << "they do not overlap";
}

TEST(Pattern, AnEmptyLiteralMatchesNothing) {
  EXPECT_EQ(matches_of(pattern_of(R"("")"), "abc"), "");
  EXPECT_EQ(pattern_of(R"({"String": ""})").replace("abc", "-"), "abc");
}

TEST(Pattern, RegularExpressions) {
  const Pattern pattern = pattern_of(R"({"Regex": "\\s+|b"})");
  EXPECT_EQ(pattern.regex_source(), "\\s+|b");
  EXPECT_EQ(matches_of(pattern, "a \u3000b"), "1-5 5-6");
  EXPECT_EQ(pattern.replace("a  bc", "_"), "a__c");
  EXPECT_EQ(pattern.replace("", "_"), "");
  EXPECT_EQ(pattern_of("{\"Regex\": \"(a)\"}").replace("ab", "\\1$1"), "\\1$1b")
      << "what is put in is plain text";
}

TEST(Pattern, EmptyMatchesOfARegularExpression) {
  const Pattern pattern = pattern_of(R"({"Regex": "x*"})");
  EXPECT_EQ(pattern.replace("\u00E9b", "-"), "-\u00E9-b-") << "none inside a character";
  EXPECT_EQ(pattern.replace("axb", "-"), "-a-b-") << "none right behind another match";
}

TEST(Pattern, CopiesShareTheExpression) {
  const auto copied = [] {
    const Pattern original = pattern_of(R"({"Regex": "[ab]"})");
    return Pattern(original);
  };
  const Pattern copy = copied();
  EXPECT_EQ(matches_of(copy, "cab"), "1-2 2-3");
}

TEST(Pattern, RefusesWhatIsNone) {
  const auto refused = [](ErrorCode code, std::string_view part, const std::string& spec) {
    io_test::expect_error(code, {"f: ", part}, [&] { pattern_of(spec); });
  };
  const std::string neither = R"('pattern' should be {"String": ...} or {"Regex": ...})";
  refused(ErrorCode::kCorruptFile, neither, "5");
  refused(ErrorCode::kCorruptFile, neither, "null");
  refused(ErrorCode::kCorruptFile, neither, R"({"Text": "a"})");
  refused(ErrorCode::kCorruptFile, "key 'Regex' is 5, but a text was expected", R"({"Regex": 5})");
  refused(ErrorCode::kUnsupported, "regular expression '(a'", R"({"Regex": "(a"})");
}

}  // namespace
}  // namespace lq::tokenizers
