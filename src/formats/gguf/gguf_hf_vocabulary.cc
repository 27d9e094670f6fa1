#include "formats/gguf/gguf_hf_vocabulary.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_pre_tokenizers.h"
#include "tokenizers/class_settings.h"
#include "tokenizers/tokenizer_files.h"

namespace lq {
namespace {

using Json = nlohmann::json;
using tokenizers::AddedToken;
using tokenizers::TokenizerConfig;

// llama.cpp merges the pair whose token has the highest score, tokenizer.json the one that comes first:
// a token's score is minus the place of the pairs that make it. Tokens that no pair makes come last.
std::vector<float> scores_of_merges(const HfFile& hf, const GgufTokenTable& table) {
  std::map<std::string, std::int64_t> places;
  std::string before;
  for (const auto& [left, right] : hf.merges()) {
    std::string made = left + right;
    if (made == before) continue;
    const bool fresh = places.emplace(made, std::ssize(places)).second;
    LQ_CHECK(fresh, kUnsupported,
             "{}: the merges that make '{}' do not follow each other, so that no scores give their order",
             hf.who, printable(made));
    before = std::move(made);
  }
  std::vector<float> scores;
  for (const std::string& text : table.tokens.texts) {
    const auto at = places.find(text);
    scores.push_back(-static_cast<float>(at == places.end() ? std::ssize(places) : at->second));
  }
  return scores;
}

bool is_byte_piece(const std::string& text) {
  return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>');
}

}  // namespace

std::string gguf_tokenizer_key(std::string_view name) { return fmt::format("tokenizer.ggml.{}", name); }

GgufTokenTable::GgufTokenTable(std::int64_t rows, std::string who) : who_(std::move(who)) {
  tokens.texts.resize(static_cast<std::size_t>(rows));
  tokens.types.assign(tokens.texts.size(), GgufTokenType::kUnused);
}

void GgufTokenTable::put(std::int64_t id, const std::string& text, GgufTokenType type) {
  LQ_CHECK(id >= 0 && id < std::ssize(tokens.texts), kMismatch,
           "{}: token '{}' has id {}, but the model's embedding has {} rows", who_, printable(text), id,
           tokens.texts.size());
  tokens.texts[static_cast<std::size_t>(id)] = text;
  tokens.types[static_cast<std::size_t>(id)] = type;
}

void GgufTokenTable::put_added(const AddedToken& token) {
  GgufTokenType type = token.special ? GgufTokenType::kControl : GgufTokenType::kUserDefined;
  const bool known = token.id >= 0 && token.id < std::ssize(tokens.types);
  const auto before = known ? tokens.types[static_cast<std::size_t>(token.id)] : GgufTokenType::kUnused;
  if (before == GgufTokenType::kUnknown || before == GgufTokenType::kByte) type = before;
  put(token.id, token.content, type);
}

void GgufTokenTable::fill_holes() {
  for (std::size_t id = 0; id < tokens.texts.size(); ++id) {
    if (tokens.types[id] == GgufTokenType::kUnused && tokens.texts[id].empty()) {
      tokens.texts[id] = fmt::format("[PAD{}]", id);
    }
  }
}

std::vector<std::pair<std::string, std::string>> HfFile::merges() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Json& m : model().value("merges", Json::array())) {
    if (m.is_array()) {
      all.emplace_back(m.at(0).get<std::string>(), m.at(1).get<std::string>());
    } else {
      const std::string text = m.get<std::string>();
      const std::size_t space = text.find(' ');
      LQ_CHECK(space != std::string::npos, kCorruptFile, "{}: merge '{}' is no pair", who, printable(text));
      all.emplace_back(text.substr(0, space), text.substr(space + 1));
    }
  }
  return all;
}

HfFile read_hf_file(const std::string& text, const TokenizerConfig& settings, const std::string& who) {
  HfFile file = {who, tokenizers::parse_tokenizer_json(text, who), {}, {}};
  const Json unknown = file.model().value("unk_token", Json());
  if (unknown.is_string()) file.unknown = unknown.get<std::string>();
  tokenizers::apply_class_settings(file.json, settings);
  return file;
}

void add_byte_level(const HfFile& hf, std::string_view pre, GgufTokenTable& table, GgufKeys& keys) {
  const bool whole_words = hf.flag("ignore_merges");
  if (!pre.empty()) gguf_pre_tokenizer(pre, "`pre-tokenizer`");
  const std::string name(pre.empty() ? name_of_pre_tokenizer(hf.part("pre_tokenizer"), whole_words, hf.who)
                                     : pre);
  for (const auto& [text, id] : hf.model().at("vocab").items()) {
    table.put(id.get<std::int64_t>(), text, GgufTokenType::kNormal);
  }
  for (const AddedToken& token : hf.added) table.put_added(token);
  table.fill_holes();
  std::vector<std::string> merges;
  for (const auto& [left, right] : hf.merges()) merges.push_back(fmt::format("{} {}", left, right));
  keys.text(gguf_tokenizer_key("model"), "gpt2");
  keys.text(gguf_tokenizer_key("pre"), name);
  keys.texts(gguf_tokenizer_key("merges"), merges);
}

void add_pieces(const HfFile& hf, GgufTokenTable& table) {
  for (const auto& [text, id] : hf.model().at("vocab").items()) {
    const GgufTokenType type = text == hf.unknown    ? GgufTokenType::kUnknown
                               : is_byte_piece(text) ? GgufTokenType::kByte
                                                     : GgufTokenType::kNormal;
    table.put(id.get<std::int64_t>(), text, type);
  }
  for (const AddedToken& token : hf.added) table.put_added(token);
  table.fill_holes();
  table.tokens.scores = scores_of_merges(hf, table);
}

}  // namespace lq
