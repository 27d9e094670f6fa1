#include "tokenizers/trie.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace lq::tokenizers {
namespace {

// Against a map that is asked for every prefix, over texts of three letters, where many keys share a start.
TEST(ByteTrie, FindsEveryKeyThatTheTextBeginsWith) {
  std::mt19937 random(3);
  const auto letters = [&](std::size_t length) {
    std::string text(length, ' ');
    for (char& c : text) c = static_cast<char>(0xFE + random() % 3);
    return text;
  };
  ByteTrie trie;
  std::map<std::string, std::int32_t> keys;
  for (std::int32_t value = 0; value < 200; ++value) {
    const std::string key = letters(1 + random() % 6);
    trie.insert(key, value);
    keys[key] = value;  // the last value counts
  }
  trie.insert("", 7);
  for (int i = 0; i < 300; ++i) {
    const std::string text = letters(12);
    const std::size_t from = random() % 13;
    std::map<std::size_t, std::int32_t> want, have;
    for (std::size_t length = 1; from + length <= text.size(); ++length) {
      const auto it = keys.find(text.substr(from, length));
      if (it != keys.end()) want[length] = it->second;
    }
    std::size_t before = 0;
    trie.prefixes(text, from, [&](std::size_t length, std::int32_t value) {
      EXPECT_GT(length, before) << "shortest first";
      before = length;
      have[length] = value;
    });
    EXPECT_EQ(have, want);
  }
}

}  // namespace
}  // namespace lq::tokenizers
