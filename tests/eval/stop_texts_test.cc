#include "eval/stop_texts.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

std::string run(std::vector<std::string> texts, const std::vector<std::string>& pieces, bool* found) {
  StopTexts stop(std::move(texts));
  std::string shown;
  for (const auto& piece : pieces) shown += stop.push(piece);
  shown += stop.finish();
  *found = stop.found();
  return shown;
}

TEST(StopTexts, CutsBeforeTheFirstOfThem) {
  bool found = false;
  EXPECT_EQ(run({"END", "stop"}, {"one sto", "p two END"}, &found), "one ");
  EXPECT_TRUE(found);
  EXPECT_EQ(run({"aab"}, {"a", "a", "a", "b"}, &found), "a");
  EXPECT_TRUE(found);
}

TEST(StopTexts, ReleasesWhatTurnsOutHarmless) {
  bool found = true;
  EXPECT_EQ(run({"END"}, {"E", "N", "x", "EN"}, &found), "ENxEN");
  EXPECT_FALSE(found);
  StopTexts stop({"END"});
  EXPECT_EQ(stop.push("a E"), "a ");
  EXPECT_EQ(stop.push("x"), "Ex");
}

TEST(StopTexts, HoldsWholeCharactersBack) {
  // The stop text begins with the second byte of a two-byte character only.
  StopTexts stop({"\xA9x"});
  EXPECT_EQ(stop.push("a\xC3\xA9"), "a");
  EXPECT_EQ(stop.push("b"),
            "\xC3\xA9"
            "b");
}

// A capital letter stands for a special token, "<A>", whose text is looked at but not shown.
std::string run_hidden(std::vector<std::string> texts, const std::string& pieces, bool* found) {
  StopTexts stop(std::move(texts));
  std::string shown;
  for (const char c : pieces) {
    const bool special = c >= 'A' && c <= 'Z';
    shown += stop.push(special ? std::string("<") + c + ">" : std::string(1, c), !special);
  }
  shown += stop.finish();
  *found = stop.found();
  return shown;
}

TEST(StopTexts, SpecialTokensAreSeenButNotShown) {
  struct Case {
    std::vector<std::string> texts;
    std::string pieces, shown;
    bool found;
  };
  const std::vector<Case> cases = {
      {{"<E>"}, "abEc", "ab", true},     {{"<E>"}, "aXbc", "abc", false},  {{"b<E>"}, "abEc", "a", true},
      {{"<E>c"}, "abEcd", "ab", true},   {{"<E>c"}, "abEd", "abd", false}, {{"<A><B>"}, "aABb", "a", true},
      {{"<A><B>"}, "aAAb", "ab", false}, {{"ab"}, "aXb", "ab", false},
  };
  for (const Case& c : cases) {
    bool found = !c.found;
    EXPECT_EQ(run_hidden(c.texts, c.pieces, &found), c.shown) << c.texts[0] << " in " << c.pieces;
    EXPECT_EQ(found, c.found) << c.texts[0] << " in " << c.pieces;
  }
}

TEST(StopTexts, EmptyTextsNeverMatch) {
  bool found = true;
  EXPECT_EQ(run({""}, {"abc"}, &found), "abc");
  EXPECT_FALSE(found);
}

}  // namespace
}  // namespace lq
