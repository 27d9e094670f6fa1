#include "tokenizers/charsmap.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"
#include "tokenizers/made_files.h"

namespace lq::tokenizers {
namespace {

// "length:value" of a match, "none" without one.
std::string shown_match(const std::optional<Charsmap::Match>& match) {
  return match ? std::to_string(match->length) + ":" + std::string(match->value) : "none";
}

TEST(Charsmap, TheLongestAndTheShortestKey) {
  const Charsmap map(made::charsmap({{"a", "x"}, {"ab", "yy"}, {"abcd", "\u00E9"}, {"b", ""}}), "f");
  EXPECT_EQ(shown_match(map.longest("abc")), "2:yy");
  EXPECT_EQ(shown_match(map.shortest("abc")), "1:x");
  EXPECT_EQ(shown_match(map.longest("abcde")), "4:\u00E9");
  EXPECT_EQ(shown_match(map.longest("ax")), "1:x");
  EXPECT_EQ(shown_match(map.longest("bz")), "1:") << "a character may vanish";
  EXPECT_EQ(shown_match(map.longest("z")), "none");
  EXPECT_EQ(shown_match(map.shortest("")), "none");
}

TEST(Charsmap, KeysAreBytes) {
  const Charsmap map(made::charsmap({{"\u00E9", "e"}, {"\uFB01", "fi"}}), "f");
  EXPECT_EQ(shown_match(map.longest("\u00E9t")), "2:e");
  EXPECT_EQ(shown_match(map.longest("\uFB01")), "3:fi");
  EXPECT_EQ(shown_match(map.longest("\uFB02")), "none");
  EXPECT_EQ(shown_match(map.longest("\xC3")), "none") << "half a key";
}

TEST(Charsmap, AZeroByteEndsTheSearch) {
  const Charsmap map(made::charsmap({{"a", "x"}}), "f");
  EXPECT_EQ(shown_match(map.longest(std::string_view("\0a", 2))), "none");
  EXPECT_EQ(shown_match(map.longest(std::string_view("a\0", 2))), "1:x");
}

// Two units by hand: the root's offset, 1 shifted by 8 more, says that its children lie around 256; that of
// 'a' has a value, at the unit next to it (offset 1).
TEST(Charsmap, OffsetsMayBeShifted) {
  std::vector<std::uint32_t> units(512, 0);
  units[0] = 1U << 10 | 1U << 9;
  units[256 ^ 'a'] = 'a' | 1U << 8 | 1U << 10;
  units[256 ^ 'a' ^ 1] = 0x80000000U | 2U;
  const std::string_view values("z\0yes\0", 6);
  const Charsmap map(made::units_bytes(units, values), "f");
  EXPECT_EQ(shown_match(map.longest("a")), "1:yes");
  EXPECT_EQ(shown_match(map.longest("b")), "none");
}

TEST(Charsmap, ValuesThatCannotBeAreEmpty) {
  std::string blob = made::charsmap({{"a", "\u00E9"}});  // the values: two bytes and their end
  const auto value_unit = 4 + 4 * std::size_t{512};      // of the second node's block
  ASSERT_EQ(static_cast<unsigned char>(blob[value_unit + 3]), 0x80);
  EXPECT_EQ(shown_match(Charsmap(blob, "f").longest("a")), "1:\u00E9");
  blob[value_unit] = 1;
  EXPECT_EQ(shown_match(Charsmap(blob, "f").longest("a")), "1:") << "the middle of a character";
  blob[value_unit] = 100;
  EXPECT_EQ(shown_match(Charsmap(blob, "f").longest("a")), "1:") << "past the end";
}

TEST(Charsmap, RefusesSizesThatContradictEachOther) {
  const auto refused = [](std::string_view part, const std::string& blob) {
    io_test::expect_error(ErrorCode::kCorruptFile, {"f: ", part}, [&] { Charsmap(blob, "f"); });
  };
  refused("a character map of 3 bytes, too short for its length field", std::string(3, '\0'));
  refused("trie should take a multiple of 4 bytes and at most 4, says 0", std::string(8, '\0'));
  refused("trie should take a multiple of 4 bytes and at most 8, says 6",
          std::string("\6\0\0\0", 4) + std::string(8, '\0'));
  refused("trie should take a multiple of 4 bytes and at most 4, says 8",
          std::string("\10\0\0\0", 4) + std::string(4, '\0'));
  refused("normal forms should end with a zero byte", made::units_bytes({0}, ""));
  refused("normal forms should end with a zero byte", made::units_bytes({0}, "a"));
  refused("normal forms are not UTF-8", made::units_bytes({0}, std::string_view("\xC3\0", 2)));
}

}  // namespace
}  // namespace lq::tokenizers
