#include "tokenizers/post_processor.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

PostProcessor processor(const std::string& text) {
  return make_post_processor(nlohmann::json::parse(text), "f");
}

std::string processor_error(const std::string& text) {
  try {
    processor(text);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

// "A" and "B" for the texts, numbers for tokens, types behind a colon.
std::string shown_pair(const PostProcessor& p) {
  std::string out;
  for (const TextPart& part : p.pair) {
    if (!out.empty()) out += ' ';
    out += part.text >= 0 ? std::string(1, static_cast<char>('A' + part.text)) : std::to_string(part.id);
    out += ':' + std::to_string(part.type);
  }
  return out;
}

using Ids = std::vector<std::int32_t>;
const std::string kSpecial = R"("special_tokens": {"[CLS]": {"ids": [5]}, "[SEP]": {"ids": [6, 7]}})";

TEST(PostProcessor, TemplatesForOneTextAndTwo) {
  const PostProcessor p = processor(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "[CLS]"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "[SEP]"}}],
      "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
               {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[CLS]", "type_id": 1}}], )" +
                                    kSpecial + "}");
  EXPECT_EQ(p.before, (Ids{5}));
  EXPECT_EQ(p.after, (Ids{6, 7}));
  EXPECT_EQ(shown_pair(p), "A:0 6:0 7:0 B:1 5:1");
}

TEST(PostProcessor, TheOthers) {
  EXPECT_TRUE(processor("null").before.empty());
  EXPECT_TRUE(processor(R"({"type": "ByteLevel"})").after.empty());
  const PostProcessor bert =
      processor(R"({"type": "BertProcessing", "sep": ["[SEP]", 9], "cls": ["[CLS]", 8]})");
  EXPECT_EQ(shown_pair(bert), "8:0 A:0 9:0 B:1 9:1");
  const PostProcessor roberta = processor(R"({"type": "Sequence", "processors": [{"type": "ByteLevel"},
                    {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}]})");
  EXPECT_EQ(roberta.before, (Ids{0}));
  EXPECT_EQ(roberta.after, (Ids{2}));
  EXPECT_EQ(shown_pair(roberta), "0:0 A:0 2:0 2:0 B:0 2:0");
}

TEST(PostProcessor, SaysWhatIsWrong) {
  const auto has = [](const std::string& text, const std::string& part) {
    const std::string error = processor_error(text);
    EXPECT_EQ(error.rfind("f: post_processor: ", 0), 0U) << error;
    EXPECT_NE(error.find(part), std::string::npos) << error;
  };
  has(R"([])", "an object was expected");
  has(R"({"type": "Other"})", "post-processor of type 'Other'");
  has(R"({"type": "TemplateProcessing"})", "key 'single' is missing");
  has(R"({"type": "TemplateProcessing", "single": [7]})", "key 'single[0]' is 7, but an object was expected");
  has(R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}], )" + kSpecial + "}",
      "key 'special_tokens.x' is missing");
  has(R"({"type": "TemplateProcessing", "single": []})", "0 sequences (expected 1)");
  has(R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}],
          "special_tokens": {"x": {"ids": [-4]}}})",
      "key 'special_tokens.x.ids' is -4");
  has(R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}],
          "pair": [{"Sequence": {"id": "B"}}]})",
      "other than A ... B");
  has(R"({"type": "BertProcessing", "sep": ["[SEP]", 9], "cls": "[CLS]"})",
      "'cls' should be [token, id], is \"[CLS]\"");
  has(R"({"type": "BertProcessing", "sep": ["[SEP]", 4294967296], "cls": ["a", 1]})",
      "'sep' should be [token, id]");
  has(R"({"type": "Sequence", "processors": 5})",
      "key 'processors' is 5, but a list of objects was expected");
}

}  // namespace
}  // namespace lq::tokenizers
