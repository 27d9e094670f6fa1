#include "tokenizers/split_behavior.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

// The words that "the-final--countdown", split at its hyphens, becomes: the example of the tokenizers
// library's documentation, with its results.
std::vector<std::string> words(SplitBehavior behavior) {
  const std::string text = "the-final--countdown";
  std::vector<Stretch> stretches;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (text[at] != '-' && end < text.size() && text[end] != '-') ++end;
    stretches.push_back({at, end, text[at] == '-'});
    at = end;
  }
  apply_behavior(behavior, stretches);
  std::vector<std::string> out;
  for (const Stretch& s : stretches) {
    if (!s.match) out.push_back(text.substr(s.begin, s.end - s.begin));
  }
  return out;
}

TEST(SplitBehavior, EachAsTheLibraryHasIt) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(words(SplitBehavior::kRemoved), (Words{"the", "final", "countdown"}));
  EXPECT_EQ(words(SplitBehavior::kIsolated), (Words{"the", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(words(SplitBehavior::kMergedWithPrevious), (Words{"the-", "final-", "-", "countdown"}));
  EXPECT_EQ(words(SplitBehavior::kMergedWithNext), (Words{"the", "-final", "-", "-countdown"}));
  EXPECT_EQ(words(SplitBehavior::kContiguous), (Words{"the", "-", "final", "--", "countdown"}));
}

TEST(SplitBehavior, Names) {
  EXPECT_EQ(parse_behavior("MergedWithNext", "f"), SplitBehavior::kMergedWithNext);
  EXPECT_EQ(parse_behavior("Contiguous", "f"), SplitBehavior::kContiguous);
  try {
    parse_behavior("merged", "file");
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(e.what(), "file: split behavior 'merged'");
  }
}

}  // namespace
}  // namespace lq::tokenizers
