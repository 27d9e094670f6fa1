#include "tokenizers/tokenizer_config.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "tokenizers/json_fields.h"

namespace lq::tokenizers {
namespace {

using Json = nlohmann::json;

// A token is written as "<s>" or as {"content": "<s>", "lstrip": ...}.
std::optional<std::string> token_name(const Json& object, const char* key, const std::string& who) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::nullopt;
  if (it->is_string()) return it->get<std::string>();
  return required_string(*it, "content", fmt::format("{}: '{}'", who, key));
}

std::optional<bool> optional_bool(const Json& object, const char* key, const std::string& who) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::nullopt;
  return bool_field(object, key, false, who);
}

void read_names(const Json& object, const std::string& who, TokenizerConfig& out) {
  const auto take = [&](const char* key, std::optional<std::string>& field) {
    if (auto name = token_name(object, key, who)) {
      out.special.push_back(*name);
      field = std::move(name);
    }
  };
  for (const auto& [key, value] : object.items()) {
    if (!key.ends_with("_token") || !(value.is_string() || (value.is_object() && value.contains("content"))))
      continue;
    const auto known = std::find_if(out.named.begin(), out.named.end(),
                                    [&, &name = key](const auto& n) { return n.first == name; });
    const std::string content = *token_name(object, key.c_str(), who);
    if (known == out.named.end()) {
      out.named.emplace_back(key, content);
    } else {
      known->second = content;
    }
  }
  std::optional<std::string> other;
  take("bos_token", out.bos), take("eos_token", out.eos), take("unk_token", out.unk),
      take("pad_token", out.pad);
  take("cls_token", other), take("sep_token", other), take("mask_token", other);
  const auto it = object.find("additional_special_tokens");
  if (it == object.end() || !it->is_array()) return;
  for (const Json& token : *it) {
    out.special.push_back(token.is_string() ? token.get<std::string>()
                                            : required_string(token, "content", who));
  }
}

void read_added(const Json& object, const std::string& who, TokenizerConfig& out) {
  const auto it = object.find("added_tokens_decoder");
  if (it == object.end() || it->is_null()) return;
  LQ_CHECK(it->is_object(), kCorruptFile, "{}: 'added_tokens_decoder' should be an object", who);
  for (const auto& [key, value] : it->items()) {
    const std::string place = fmt::format("{}: added_tokens_decoder['{}']", who, key);
    AddedToken token = added_token_fields(value, place);
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token.id);
    LQ_CHECK(error == std::errc() && end == key.data() + key.size() && token.id >= 0, kCorruptFile,
             "{}: the key should be a token id", place);
    out.added.push_back(std::move(token));
  }
}

void read_template(const Json& object, const std::string& who, TokenizerConfig& out) {
  const auto it = object.find("chat_template");
  if (it == object.end() || it->is_null()) return;
  if (it->is_string()) {
    out.chat_template = it->get<std::string>();
    return;
  }
  LQ_CHECK(it->is_array(), kCorruptFile, "{}: 'chat_template' should be a string or a list of named ones",
           who);
  for (const Json& named : *it) {
    const std::string name = string_field(named, "name", "", who);
    if (name == "default" || it->size() == 1) out.chat_template = required_string(named, "template", who);
    if (name == "tool_use") out.tool_template = required_string(named, "template", who);
  }
}

std::optional<Json> read_object(const Folder& folder, const char* name) {
  if (!folder.has(name)) return std::nullopt;
  const std::string who = folder.who(name);
  Json object = parse_json(folder.read(name, kTokenizerFileLimit), who);
  LQ_CHECK(object.is_object(), kCorruptFile, "{}: should hold a JSON object, holds {}", who,
           object.type_name());
  return object;
}

}  // namespace

TokenizerConfig read_tokenizer_config(const Folder& folder) {
  TokenizerConfig out;
  const char* name = "special_tokens_map.json";
  if (const auto object = read_object(folder, name)) read_names(*object, folder.who(name), out);
  name = "tokenizer_config.json";
  if (const auto object = read_object(folder, name)) {
    const std::string who = folder.who(name);
    out.present = true;
    out.tokenizer_class = string_field(*object, "tokenizer_class", "", who);
    if (out.tokenizer_class.ends_with("Fast")) out.tokenizer_class.resize(out.tokenizer_class.size() - 4);
    read_names(*object, who, out);
    read_added(*object, who, out);
    read_template(*object, who, out);
    out.add_bos = optional_bool(*object, "add_bos_token", who);
    out.add_eos = optional_bool(*object, "add_eos_token", who);
    out.split_special = bool_field(*object, "split_special_tokens", false, who);
    out.legacy = optional_bool(*object, "legacy", who);
    out.add_prefix_space = optional_bool(*object, "add_prefix_space", who);
    out.lower_case = optional_bool(*object, "do_lower_case", who);
    out.cjk_characters = optional_bool(*object, "tokenize_chinese_chars", who);
    out.strip_accents = optional_bool(*object, "strip_accents", who);
  }
  name = "config.json";
  if (const auto object = read_object(folder, name)) {
    out.model_type = string_field(*object, "model_type", "", folder.who(name));
  }
  name = "added_tokens.json";
  if (const auto object = read_object(folder, name)) {
    for (const auto& [content, id] : object->items()) {
      LQ_CHECK(id.is_number_integer() && id >= 0 && id <= INT32_MAX, kCorruptFile,
               "{}: the id of '{}' should be a whole number", folder.who(name), content);
      const auto value = id.get<std::int32_t>();
      const bool known =
          std::any_of(out.added.begin(), out.added.end(), [&](const auto& t) { return t.id == value; });
      if (!known) out.added.push_back({.id = value, .content = content});
    }
  }
  for (AddedToken& token : out.added) {
    const bool named = std::find(out.special.begin(), out.special.end(), token.content) != out.special.end();
    if (named) token.special = true;
    if (token.special) out.special.push_back(token.content);
  }
  const auto take_file = [&](const char* file, std::optional<std::string>& field) {
    if (folder.has(file)) field = folder.read(file, kTokenizerFileLimit);
  };
  take_file("chat_template.jinja", out.chat_template);
  take_file("additional_chat_templates/tool_use.jinja", out.tool_template);
  return out;
}

}  // namespace lq::tokenizers
