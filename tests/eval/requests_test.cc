#include "eval/requests.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

std::unique_ptr<Tokenizer> quill_tokenizer() {
  return Tokenizer::load(std::filesystem::path(lq::test::source_dir()) / "examples/models/quill");
}

TEST(Requests, TheAnswerIsWhatExceedsTheContext) {
  const auto tokenizer = quill_tokenizer();
  const auto r = likelihood_request(*tokenizer, "The sea was", " calm and grey", 512);
  const auto whole = tokenizer->encode("The sea was calm and grey", true);
  EXPECT_EQ(r.ids, whole);
  EXPECT_EQ(r.scored, std::ssize(whole) - std::ssize(tokenizer->encode("The sea was", true)));
  EXPECT_FALSE(r.truncated);
  // Spaces at the context's end belong to the answer.
  const auto moved = likelihood_request(*tokenizer, "The sea was ", "calm and grey", 512);
  EXPECT_EQ(moved.ids, r.ids);
  EXPECT_EQ(moved.scored, r.scored);
}

TEST(Requests, ATextWithoutContextStandsBehindBosOrEos) {
  const auto tokenizer = quill_tokenizer();
  const auto r = likelihood_request(*tokenizer, "", "The sea", 512);
  const auto ids = tokenizer->encode("The sea", false);
  ASSERT_EQ(r.ids.size(), ids.size() + 1);
  EXPECT_EQ(r.ids.front(), prefix_token(*tokenizer));
  EXPECT_EQ(r.scored, std::ssize(ids));
}

TEST(Requests, APromptHasOneBos) {
  const io_test::TempDir dir;
  std::filesystem::copy(std::filesystem::path(lq::test::source_dir()) / "tests/goldens/tokenizers/bpe_llama3",
                        dir / "t");
  io_test::put_file(dir / "t/tokenizer_config.json", R"({"bos_token": "<|endoftext|>"})");
  const auto tokenizer = Tokenizer::load(Folder(dir / "t"));
  ASSERT_TRUE(tokenizer->bos_id().has_value());
  const std::int32_t bos = *tokenizer->bos_id();
  const auto ids = prompt_ids(*tokenizer, "It was cold");
  EXPECT_EQ(ids, tokenizer->encode("It was cold", true));
  EXPECT_EQ(ids.front(), bos);
  // As chat templates write it.
  EXPECT_EQ(prompt_ids(*tokenizer, tokenizer->decode({&bos, 1}, false) + "It was cold"), ids);
}

TEST(Requests, WhatIsTooLongIsCutFromTheLeft) {
  const auto tokenizer = quill_tokenizer();
  const auto whole = likelihood_request(*tokenizer, "One two three four five six", " seven eight", 512);
  const auto cut = likelihood_request(*tokenizer, "One two three four five six", " seven eight", 5);
  ASSERT_EQ(cut.ids.size(), 6U);  // five are fed, the sixth is predicted
  EXPECT_TRUE(std::equal(cut.ids.begin(), cut.ids.end(), whole.ids.end() - 6));
  EXPECT_EQ(cut.scored, whole.scored);
  EXPECT_TRUE(cut.truncated);
  EXPECT_THROW(likelihood_request(*tokenizer, "One", " two three four five six seven eight", 2), Error);
  EXPECT_THROW(likelihood_request(*tokenizer, "One", "", 512), Error);
}

TEST(Requests, RollingWindowsPredictEveryTokenOnce) {
  const auto tokenizer = quill_tokenizer();
  const std::string text =
      "The boats came home before the wind turned, and nobody said a word about the morning.";
  auto ids = tokenizer->encode(text, true);
  ids.insert(ids.begin(), prefix_token(*tokenizer));
  for (const std::int64_t length : {1, 4, 7, 1000}) {
    std::vector<std::int32_t> predicted;
    for (const LikelihoodRequest& r : rolling_requests(*tokenizer, text, length)) {
      EXPECT_LE(std::ssize(r.ids) - 1, length);
      EXPECT_LE(r.scored, std::ssize(r.ids) - 1);
      predicted.insert(predicted.end(), r.ids.end() - r.scored, r.ids.end());
    }
    EXPECT_TRUE(std::equal(predicted.begin(), predicted.end(), ids.begin() + 1, ids.end())) << length;
  }
}

}  // namespace
}  // namespace lq
