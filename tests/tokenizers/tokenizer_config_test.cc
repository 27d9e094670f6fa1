#include "tokenizers/tokenizer_config.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/io_test_util.h"

namespace lq::tokenizers {
namespace {

using Texts = std::map<std::string, std::string>;

TokenizerConfig config_of(Texts texts) { return read_tokenizer_config(Folder("src", std::move(texts))); }
std::vector<std::string> special_of(const TokenizerConfig& config) {
  std::vector<std::string> contents;
  for (const AddedToken& token : config.special) contents.push_back(token.content);
  return contents;
}
TokenizerConfig config_text(const std::string& text) { return config_of({{"tokenizer_config.json", text}}); }

TEST(TokenizerConfig, NoFilesAtAll) {
  const TokenizerConfig c = config_of({});
  EXPECT_FALSE(c.present || c.split_special);
  EXPECT_EQ(c.tokenizer_class, "");
  EXPECT_FALSE(c.bos || c.eos || c.unk || c.pad || c.add_bos || c.add_eos || c.chat_template ||
               c.tool_template);
  EXPECT_FALSE(c.legacy || c.add_prefix_space || c.lower_case || c.cjk_characters || c.strip_accents);
  EXPECT_TRUE(c.added.empty() && c.special.empty() && c.named.empty());
}

TEST(TokenizerConfig, ClassAndSwitches) {
  const TokenizerConfig c = config_text(R"({"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": false,
      "add_eos_token": true, "split_special_tokens": true, "legacy": false, "add_prefix_space": true,
      "do_lower_case": false, "tokenize_chinese_chars": false, "strip_accents": null})");
  EXPECT_TRUE(c.present);
  EXPECT_EQ(c.tokenizer_class, "LlamaTokenizer");
  EXPECT_EQ(c.add_bos, false);
  EXPECT_EQ(c.add_eos, true);
  EXPECT_TRUE(c.split_special);
  EXPECT_EQ(c.legacy, false);
  EXPECT_EQ(c.add_prefix_space, true);
  EXPECT_EQ(c.lower_case, false);
  EXPECT_EQ(c.cjk_characters, false);
  EXPECT_EQ(c.strip_accents, std::nullopt) << "null is nothing";
  EXPECT_EQ(config_of({{"config.json", R"({"model_type": "llama"})"}}).model_type, "llama");
}

TEST(TokenizerConfig, TokensAsTextsAndAsObjects) {
  const TokenizerConfig c =
      config_text(R"({"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": true},
      "pad_token": null, "mask_token": "<mask>", "image_token": "<img>", "additional_special_tokens":
      ["<x>", {"content": "<y>"}], "max_token": 5})");
  EXPECT_EQ(c.bos, "<s>");
  EXPECT_EQ(c.eos, "</s>");
  EXPECT_EQ(c.pad, std::nullopt);
  EXPECT_EQ(special_of(c), (std::vector<std::string>{"<s>", "</s>", "<mask>", "<img>", "<x>", "<y>"}));
  const std::vector<std::pair<std::string, std::string>> named = {
      {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"image_token", "<img>"}, {"mask_token", "<mask>"}};
  auto found = c.named;
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, named);
}

TEST(TokenizerConfig, TheMapGoesBeforeTheConfigUnlessThatHasADecoder) {
  Texts files = {{"special_tokens_map.json", R"({"bos_token": "<map>"})"},
                 {"tokenizer_config.json", R"({"bos_token": "<config>", "unk_token": "<unk>"})"}};
  const TokenizerConfig old = config_of(files);
  EXPECT_EQ(old.bos, "<map>");
  EXPECT_EQ(old.unk, "<unk>");
  EXPECT_FALSE(old.added_decides);
  EXPECT_EQ(special_of(old), (std::vector<std::string>{"<map>", "<unk>"}));
  files["tokenizer_config.json"] = R"({"bos_token": "<config>", "added_tokens_decoder": {}})";
  const TokenizerConfig decoded = config_of(files);
  EXPECT_EQ(decoded.bos, "<config>");
  EXPECT_TRUE(decoded.added_decides);
}

TEST(TokenizerConfig, AddedTokensOfBothFiles) {
  const TokenizerConfig c =
      config_of({{"tokenizer_config.json", R"({"eos_token": "<e>", "added_tokens_decoder":
            {"7": {"content": "<e>"}, "8": {"content": "<p>", "special": true, "rstrip": true}}})"},
                 {"added_tokens.json", R"({"<other>": 8, "<late>": 9})"}});
  ASSERT_EQ(c.added.size(), 3U);
  EXPECT_EQ(c.added[0].id, 7);
  EXPECT_TRUE(c.added[0].special) << "it is named as the EOS token";
  EXPECT_EQ(c.added[1].content, "<p>") << "8 is taken";
  EXPECT_TRUE(c.added[1].special && c.added[1].rstrip);
  EXPECT_EQ(c.added[2].id, 9);
  EXPECT_EQ(c.added[2].content, "<late>");
  EXPECT_FALSE(c.added[2].special);
  EXPECT_EQ(special_of(c), (std::vector<std::string>{"<e>", "<p>"}));
  EXPECT_TRUE(c.added[2].normalized && !c.added[1].normalized)
      << "as transformers does for added_tokens.json";
}

TEST(TokenizerConfig, ChatTemplates) {
  EXPECT_EQ(config_text(R"({"chat_template": "T"})").chat_template, "T");
  const TokenizerConfig list = config_text(R"({"chat_template": [{"name": "default", "template": "D"},
      {"name": "tool_use", "template": "U"}, {"name": "rag", "template": "R"}]})");
  EXPECT_EQ(list.chat_template, "D");
  EXPECT_EQ(list.tool_template, "U");
  const TokenizerConfig one = config_text(R"({"chat_template": [{"name": "any", "template": "A"}]})");
  EXPECT_EQ(one.chat_template, "A") << "the only one, whatever its name";
  const TokenizerConfig files = config_of({{"tokenizer_config.json", R"({"chat_template": "T"})"},
                                           {"chat_template.jinja", "F"},
                                           {"additional_chat_templates/tool_use.jinja", "FU"}});
  EXPECT_EQ(files.chat_template, "F");
  EXPECT_EQ(files.tool_template, "FU");
  EXPECT_FALSE(files.bos);
}

TEST(TokenizerConfig, IdsOfTheNamedTokens) {
  TokenizerConfig c;
  c.bos = "<s>";
  c.pad = "<none>";
  const SpecialTokens ids = resolve_special_tokens(
      c, [](const std::string& name) { return name == "<s>" ? std::optional(5) : std::nullopt; });
  EXPECT_EQ(ids.bos, 5);
  EXPECT_EQ(ids.eos, std::nullopt);
  EXPECT_EQ(ids.pad, std::nullopt);
  EXPECT_FALSE(ids.add_bos);
}

TEST(TokenizerConfig, RefusesByFileAndField) {
  const auto refused = [](const std::string& file, std::string_view part, const std::string& text) {
    const std::string who = "src (" + file + "): ";
    io_test::expect_error(ErrorCode::kCorruptFile, {who, part}, [&] { config_of({{file, text}}); });
  };
  const std::string main = "tokenizer_config.json";
  refused(main, "'chat_template' should be a string or a list of named ones", R"({"chat_template": 5})");
  refused(main, "key 'chat_template[0].template' is missing", R"({"chat_template": [{"name": "a"}]})");
  refused(main, "key 'add_bos_token' is \"yes\", but true or false was expected",
          R"({"add_bos_token": "yes"})");
  refused(main, "key 'bos_token.content' is missing", R"({"bos_token": {}})");
  refused(main, "added_tokens_decoder['-1']: the key should be a token id",
          R"({"added_tokens_decoder": {"-1": {"content": "a"}}})");
  refused(main, "an entry of 'additional_special_tokens': an object was expected, not number",
          R"({"additional_special_tokens": [5]})");
  refused("added_tokens.json", "key '<a>' is -1, but an integer from 0", R"({"<a>": -1})");
  refused("special_tokens_map.json", "an object was expected, not array", "[]");
  refused("config.json", "not valid JSON", "{");
}

}  // namespace
}  // namespace lq::tokenizers
