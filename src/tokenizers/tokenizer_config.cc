#include "tokenizers/tokenizer_config.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "files/json_object.h"
#include "tokenizers/special_names.h"
#include "tokenizers/tokenizer_files.h"

namespace lq::tokenizers {
namespace {

std::optional<bool> optional_bool(const JsonObject& object, const char* key) {
  return object.has(key) ? std::optional(object.boolean(key)) : std::nullopt;
}

void read_added(const JsonObject& object, TokenizerConfig& out) {
  out.added_decides = object.has("added_tokens_decoder");
  for (const auto& [key, fields] : object.named_sections("added_tokens_decoder")) {
    AddedToken token = read_added_token(fields);
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token.id);
    LQ_CHECK(error == std::errc() && end == key.data() + key.size() && token.id >= 0, kCorruptFile,
             "{}: added_tokens_decoder['{}']: the key should be a token id", object.who(), key);
    out.added.push_back(std::move(token));
  }
  std::ranges::stable_sort(out.added, {}, &AddedToken::id);
}

void read_template(const JsonObject& object, TokenizerConfig& out) {
  const char* const key = "chat_template";
  if (!object.has(key)) return;
  if (object.any(key).is_string()) {
    out.chat_template = object.text(key);
    return;
  }
  LQ_CHECK(object.any(key).is_array(), kCorruptFile,
           "{}: 'chat_template' should be a string or a list of named ones", object.who());
  const std::vector<JsonObject> all = object.sections(key);
  for (const JsonObject& named : all) {
    const std::string name = named.text_or("name", "");
    if (name == "default" || all.size() == 1) out.chat_template = named.text("template");
    if (name == "tool_use") out.tool_template = named.text("template");
  }
}

bool is_special(const TokenizerConfig& config, const std::string& content) {
  return std::ranges::find(config.special, content, &AddedToken::content) != config.special.end();
}

std::optional<JsonObject> read_object(const Folder& folder, const char* name) {
  if (!folder.has(name)) return std::nullopt;
  const std::string who = folder.who(name);
  return JsonObject::record(parse_tokenizer_json(folder.read(name, kTokenizerFileLimit), who), who);
}

}  // namespace

TokenizerConfig read_tokenizer_config(const Folder& folder) {
  TokenizerConfig out;
  SpecialNames names;
  const char* name = "tokenizer_config.json";
  if (const auto object = read_object(folder, name)) {
    out.present = true;
    out.tokenizer_class = object->text_or("tokenizer_class", "");
    if (out.tokenizer_class.ends_with("Fast")) out.tokenizer_class.resize(out.tokenizer_class.size() - 4);
    names.read(*object);
    read_added(*object, out);
    read_template(*object, out);
    out.add_bos = optional_bool(*object, "add_bos_token");
    out.add_eos = optional_bool(*object, "add_eos_token");
    out.split_special = object->boolean_or("split_special_tokens", false);
    out.legacy = optional_bool(*object, "legacy");
    out.add_prefix_space = optional_bool(*object, "add_prefix_space");
    out.lower_case = optional_bool(*object, "do_lower_case");
    out.cjk_characters = optional_bool(*object, "tokenize_chinese_chars");
    out.strip_accents = optional_bool(*object, "strip_accents");
  }
  name = "special_tokens_map.json";
  if (const auto object = read_object(folder, name); object && !out.added_decides) names.read(*object);
  out.bos = names.content("bos_token"), out.eos = names.content("eos_token");
  out.unk = names.content("unk_token"), out.pad = names.content("pad_token");
  out.special = names.tokens();
  out.named = names.contents();
  name = "config.json";
  if (const auto object = read_object(folder, name)) {
    out.model_type = object->text_or("model_type", "");
  }
  name = "added_tokens.json";
  if (const auto object = read_object(folder, name)) {
    for (const auto& [content, id] : object->json().items()) {
      const auto value = static_cast<std::int32_t>(object->integer(content, 0, INT32_MAX));
      const bool known =
          std::any_of(out.added.begin(), out.added.end(), [&](const auto& t) { return t.id == value; });
      if (known) continue;
      const bool special = is_special(out, content);
      out.added.push_back({.id = value, .content = content, .special = special, .normalized = !special});
    }
  }
  for (AddedToken& token : out.added) {
    const bool named = is_special(out, token.content);
    if (named) token.special = true;
    if (token.special && !named) out.special.push_back(token);
  }
  const auto take_file = [&](const char* file, std::optional<std::string>& field) {
    if (folder.has(file)) field = folder.read(file, kTokenizerFileLimit);
  };
  take_file("chat_template.jinja", out.chat_template);
  take_file("additional_chat_templates/tool_use.jinja", out.tool_template);
  return out;
}

}  // namespace lq::tokenizers
