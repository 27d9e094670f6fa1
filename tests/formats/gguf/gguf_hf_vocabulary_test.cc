#include "formats/gguf/gguf_hf_vocabulary.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

HfFile file_with(nlohmann::json merges) {
  return {"f", {{"model", {{"merges", std::move(merges)}, {"byte_fallback", true}}}}, "", {}};
}

TEST(GgufHfVocabulary, RowsThatNoTokenHasGetNames) {
  GgufTokenTable table(3, "f");
  table.put(1, "a", GgufTokenType::kNormal);
  table.fill_holes();
  EXPECT_EQ(table.tokens.texts, (std::vector<std::string>{"[PAD0]", "a", "[PAD2]"}));
  EXPECT_EQ(table.tokens.types[0], GgufTokenType::kUnused);
  expect_error(ErrorCode::kMismatch, {"token 'b' has id 3", "3 rows"},
               [&] { table.put(3, "b", GgufTokenType::kNormal); });
}

TEST(GgufHfVocabulary, AnAddedTokenThatIsTheUnknownPieceStaysThat) {
  GgufTokenTable table(2, "f");
  table.put(0, "<unk>", GgufTokenType::kUnknown);
  tokenizers::AddedToken token;
  token.id = 0;
  token.content = "<unk>";
  token.special = true;
  table.put_added(token);
  EXPECT_EQ(table.tokens.types[0], GgufTokenType::kUnknown);
  token.id = 1;
  token.content = "<x>";
  token.special = false;
  table.put_added(token);
  EXPECT_EQ(table.tokens.types[1], GgufTokenType::kUserDefined);
}

TEST(GgufHfVocabulary, MergesOfBothForms) {
  const std::vector<std::pair<std::string, std::string>> pairs = {{"a", "b"}, {"ab", "c d"}};
  EXPECT_EQ(file_with(nlohmann::json::parse(R"([["a", "b"], ["ab", "c d"]])")).merges(), pairs);
  EXPECT_EQ(file_with(nlohmann::json::parse(R"(["a b"])")).merges(),
            (std::vector<std::pair<std::string, std::string>>{{"a", "b"}}));
  expect_error(ErrorCode::kCorruptFile, {"merge 'ab' is no pair"},
               [] { (void)file_with(nlohmann::json::parse(R"(["ab"])")).merges(); });
}

}  // namespace
}  // namespace lq
