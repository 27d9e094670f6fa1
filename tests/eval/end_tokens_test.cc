#include "eval/end_tokens.h"

#include <gtest/gtest.h>

#include "support/paths.h"

namespace lq {
namespace {

TEST(EndTokens, TheModelsGenerationFileDecidesWhereItNamesAny) {
  const auto tokenizer = Tokenizer::load(std::filesystem::path(test::source_dir()) / "examples/models/quill");
  ASSERT_TRUE(tokenizer->eos_id().has_value());
  ModelSpec spec;
  spec.eos = {7, 9};
  GenerationConfig file;
  EXPECT_EQ(end_tokens(file, spec, *tokenizer), (std::vector<std::int32_t>{7, 9, *tokenizer->eos_id()}));
  file.eos = {5};
  EXPECT_EQ(end_tokens(file, spec, *tokenizer), std::vector<std::int32_t>{5}) << "as in transformers";
}

}  // namespace
}  // namespace lq
