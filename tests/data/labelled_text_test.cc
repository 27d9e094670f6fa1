#include "data/labelled_text.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/batch.h"
#include "support/paths.h"

namespace lq {
namespace {

std::unique_ptr<Tokenizer> wordpiece_tokenizer() {
  return Tokenizer::load(std::filesystem::path(test::source_dir()) / "tests/goldens/tokenizers/wordpiece");
}

TEST(LabelledText, ExamplesHaveTypesAndLabelsAndCutsAreCounted) {
  const auto tokenizer = wordpiece_tokenizer();
  const std::vector<LabelledText> texts = {
      {"the ferry", "the harbour", 1.0F, "0", "f:1"},
      {"the ferry left the harbour at seven", "gulls wheeled over the crates", 0.0F, "1", "f:2"}};
  const LabelledExamples all = encode_labelled(*tokenizer, texts, 64);
  ASSERT_EQ(all.examples.size(), 2U);
  EXPECT_EQ(all.truncated, 0);
  EXPECT_EQ(all.examples[0].label, 1.0F);
  EXPECT_EQ(all.examples[0].types.size(), all.examples[0].ids.size());
  EXPECT_EQ(all.examples[0].types.front(), 0);
  EXPECT_EQ(all.examples[0].types.back(), 1);
  EXPECT_EQ(all.examples[0].trained_tokens(), 0);  // nothing predicts a next token
  const std::int64_t whole = std::ssize(all.examples[1].ids);
  const LabelledExamples cut = encode_labelled(*tokenizer, texts, whole - 2);
  EXPECT_EQ(cut.truncated, 1);
  EXPECT_EQ(cut.cut_tokens, 2);
  EXPECT_EQ(cut.first_truncated, "f:2");
  EXPECT_EQ(std::ssize(cut.examples[1].ids), whole - 2);
}

TEST(LabelledText, BatchesCarryLabelsAndTypes) {
  const auto tokenizer = wordpiece_tokenizer();
  const std::vector<LabelledText> texts = {{"a", "b", 2.0F, "0", ""}, {"b", std::nullopt, 0.5F, "1", ""}};
  const auto examples = encode_labelled(*tokenizer, texts, 16).examples;
  const std::vector<std::int64_t> picked = {1, 0};
  const Batch batch = make_batch(examples, picked);
  EXPECT_EQ(batch.labels, (std::vector<float>{0.5F, 2.0F}));
  EXPECT_EQ(batch.types.size(), batch.ids.size());
  EXPECT_EQ(batch.trained_tokens, 2);
  for (const std::int32_t target : batch.targets) EXPECT_EQ(target, kNoTarget);
  auto half = examples;
  half[0].label.reset();
  EXPECT_THROW(make_batch(half, picked), Error);
}

}  // namespace
}  // namespace lq
