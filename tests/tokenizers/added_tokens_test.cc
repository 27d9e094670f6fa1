#include "tokenizers/added_tokens.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "files/json_object.h"

namespace lq::tokenizers {
namespace {

AddedToken parsed_token(const std::string& text) { return read_added_token(JsonObject::parse(text, "f")); }

TEST(AddedTokens, FieldsAndTheirDefaults) {
  const AddedToken plain = parsed_token(R"({"content": "<s>"})");
  EXPECT_EQ(plain.content, "<s>");
  EXPECT_FALSE(plain.special || plain.single_word || plain.lstrip || plain.rstrip);
  EXPECT_TRUE(plain.normalized);
  EXPECT_FALSE(parsed_token(R"({"content": "<s>", "special": true})").normalized);
  EXPECT_TRUE(parsed_token(R"({"content": "<s>", "special": true, "normalized": true})").normalized);
  EXPECT_TRUE(parsed_token(R"({"content": "<s>", "rstrip": true, "lstrip": null})").rstrip);
  EXPECT_THROW(parsed_token(R"({"special": true})"), Error);
  EXPECT_THROW(parsed_token(R"({"content": 5})"), Error);
  EXPECT_THROW(parsed_token(R"({"content": "a", "special": 1})"), Error);
}

// Sections as "id:text", text for the model without an id.
std::string sections(const AddedTokenMatcher& matcher, std::string_view text, bool special = true) {
  std::vector<Section> all;
  matcher.split(text, special, all);
  std::string out;
  for (const Section& s : all) {
    if (!out.empty()) out += '|';
    if (s.id >= 0) out += std::to_string(s.id) + ":";
    out += s.text;
  }
  return out;
}

TEST(AddedTokens, LeftmostLongestAndFlags) {
  AddedTokenMatcher matcher;
  EXPECT_TRUE(matcher.empty());
  EXPECT_EQ(sections(matcher, "any text"), "any text");
  matcher.add({.id = 1, .content = "<a>"}, "<a>");
  matcher.add({.id = 2, .content = "<a>b"}, "<a>b");
  matcher.add({.id = 3, .content = "<s>", .special = true}, "<s>");
  matcher.add({.id = 4, .content = "word", .single_word = true}, "word");
  matcher.add({.id = 5, .content = "[L]", .lstrip = true}, "[L]");
  matcher.add({.id = 6, .content = "[R]", .rstrip = true}, "[R]");
  EXPECT_FALSE(matcher.empty());
  EXPECT_EQ(sections(matcher, ""), "");
  EXPECT_EQ(sections(matcher, "x<a>y<a>bz"), "x|1:<a>|y|2:<a>b|z");
  EXPECT_EQ(sections(matcher, "<s>x"), "3:<s>|x");
  EXPECT_EQ(sections(matcher, "<s>x", false), "<s>x");
  EXPECT_EQ(sections(matcher, "a word, swords"), "a |4:word|, swords");
  EXPECT_EQ(sections(matcher, "a  [L] b"), "a|5:  [L]| b");
  EXPECT_EQ(sections(matcher, "a [R]  b"), "a |6:[R]  |b");
  EXPECT_EQ(sections(matcher, "[R] [L]"), "6:[R] |5:[L]");
}

}  // namespace
}  // namespace lq::tokenizers
