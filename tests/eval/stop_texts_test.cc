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

TEST(StopTexts, EmptyTextsNeverMatch) {
  bool found = true;
  EXPECT_EQ(run({""}, {"abc"}, &found), "abc");
  EXPECT_FALSE(found);
}

}  // namespace
}  // namespace lq
