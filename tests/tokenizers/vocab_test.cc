#include "tokenizers/vocab.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

TEST(Vocab, BothWaysAndWithHoles) {
  std::vector<std::pair<std::string, std::int64_t>> entries;
  for (std::int64_t id = 4999; id >= 0; --id) {
    if (id % 7 != 3) entries.emplace_back("piece" + std::to_string(id * id), id);
  }
  entries.emplace_back("", 5000);
  const std::size_t count = entries.size();
  Vocab vocab;
  EXPECT_EQ(vocab.find("piece0"), Vocab::kNone);
  vocab.build(std::move(entries), "f");
  EXPECT_EQ(vocab.size(), 5001);
  EXPECT_EQ(vocab.count(), static_cast<std::int64_t>(count));
  for (std::int32_t id = 0; id < 5000; ++id) {
    ASSERT_EQ(vocab.has(id), id % 7 != 3) << id;
    ASSERT_EQ(vocab.find("piece" + std::to_string(std::int64_t{id} * id)), id % 7 != 3 ? id : Vocab::kNone);
    if (vocab.has(id)) {
      ASSERT_EQ(vocab.piece(id), "piece" + std::to_string(std::int64_t{id} * id));
    }
  }
  EXPECT_EQ(vocab.find(""), 5000);
  EXPECT_FALSE(vocab.has(-1));
  EXPECT_FALSE(vocab.has(5001));
}

TEST(Vocab, SaysWhatCannotBe) {
  const auto error = [](std::vector<std::pair<std::string, std::int64_t>> entries) -> std::string {
    try {
      Vocab vocab;
      vocab.build(std::move(entries), "f");
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(error({{"a", -1}}), "f: id -1 of 'a': 1 pieces should have ids from 0 on");
  EXPECT_EQ(error({{"a", 100002}}), "f: id 100002 of 'a': 1 pieces should have ids from 0 on");
  EXPECT_EQ(error({{"a", 100001}}), "none");
  EXPECT_EQ(error({{"a", 0}, {"b", 0}}), "f: 'a' and 'b' both have id 0");
  EXPECT_EQ(error({{"a", 0}, {"a", 1}}), "f: 'a' has two ids, 0 and 1");
}

TEST(Vocab, HashesDependOnEveryByteAndTheLength) {
  std::string text(40, 'x');
  const std::uint64_t hash = quick_hash(text.data(), text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = 'y';
    EXPECT_NE(quick_hash(other.data(), other.size()), hash) << i;
    EXPECT_NE(quick_hash(text.data(), i), hash) << i;
  }
}

}  // namespace
}  // namespace lq::tokenizers
