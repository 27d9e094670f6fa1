#include "tokenizers/special_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "files/json_object.h"

namespace lq::tokenizers {
namespace {

using Json = nlohmann::ordered_json;

// transformers gives the next free ids in this order.
constexpr std::array kOrder = {"bos_token", "eos_token", "unk_token", "sep_token",
                               "pad_token", "cls_token", "mask_token"};

bool in_order(const std::string& name) { return std::ranges::find(kOrder, name) != kOrder.end(); }

AddedToken token_of(const Json& value, const std::string& who) {
  AddedToken token;
  if (value.is_string()) {
    token.content = value.get<std::string>();
  } else {
    token = read_added_token(JsonObject::record(value, who));
  }
  token.special = true;
  return token;
}

}  // namespace

void SpecialNames::read(const JsonObject& file) {
  const auto is_token = [](const std::string& key, const Json& value) {
    return in_order(key) || (key.ends_with("_token") &&
                             (value.is_string() || (value.is_object() && value.contains("content"))));
  };
  for (const auto& [key, value] : file.json().items()) {
    if (value.is_null() || !is_token(key, value)) continue;
    if (value.is_string()) {
      set(key, token_of(value, key));
    } else {
      set(key, read_added_token(file.section(key)));
    }
  }
  if (!read_list(file, "extra_special_tokens")) read_list(file, "additional_special_tokens");
}

bool SpecialNames::read_list(const JsonObject& file, const char* key) {
  if (!file.has(key)) return false;
  const Json& list = file.any(key);
  if (list.is_object()) {
    for (const auto& [name, value] : list.items()) {
      set(name, token_of(value, fmt::format("{}: '{}.{}'", file.who(), key, name)));
    }
    return !list.empty();
  }
  if (!list.is_array()) return false;
  for (const Json& value : list) {
    AddedToken token = token_of(value, fmt::format("{}: an entry of '{}'", file.who(), key));
    const auto known = std::ranges::find(unnamed_, token.content, &AddedToken::content);
    if (known == unnamed_.end()) unnamed_.push_back(std::move(token));
  }
  return !list.empty();
}

void SpecialNames::set(const std::string& name, AddedToken token) {
  token.special = true;
  const auto known = std::ranges::find(named_, name, &std::pair<std::string, AddedToken>::first);
  if (known == named_.end()) {
    named_.emplace_back(name, std::move(token));
  } else {
    known->second = std::move(token);
  }
}

std::optional<std::string> SpecialNames::content(const std::string& name) const {
  const auto found = std::ranges::find(named_, name, &std::pair<std::string, AddedToken>::first);
  return found == named_.end() ? std::nullopt : std::optional(found->second.content);
}

std::vector<std::pair<std::string, std::string>> SpecialNames::contents() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const char* name : kOrder) {
    if (const auto token = content(name)) all.emplace_back(name, *token);
  }
  for (const auto& [name, token] : named_) {
    if (!in_order(name)) all.emplace_back(name, token.content);
  }
  return all;
}

std::vector<AddedToken> SpecialNames::tokens() const {
  std::vector<AddedToken> all;
  const auto take = [&](const AddedToken& token) {
    if (std::ranges::find(all, token.content, &AddedToken::content) == all.end()) all.push_back(token);
  };
  for (const auto& [name, content] : contents()) {
    take(std::ranges::find(named_, name, &std::pair<std::string, AddedToken>::first)->second);
  }
  for (const AddedToken& token : unnamed_) take(token);
  return all;
}

}  // namespace lq::tokenizers
