#include "formats/gguf/gguf_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_hf_vocabulary.h"
#include "formats/gguf/gguf_text_rules.h"
#include "formats/gguf/gguf_tokenizer.h"
#include "formats/gguf/gguf_word_piece.h"
#include "tokenizers/hf_tokenizer.h"
#include "tokenizers/sentencepiece.h"
#include "tokenizers/tokenizer_config.h"
#include "tokenizers/tokenizer_files.h"

namespace lq {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;
using tokenizers::AddedToken;
using tokenizers::TokenizerConfig;

void add_word_piece(const HfFile& hf, GgufTokenTable& table, GgufKeys& keys) {
  const OrderedJson settings = {
      {"normalizer", hf.part("normalizer")},
      {"pre_tokenizer", hf.part("pre_tokenizer")},
      {"model", {{"continuing_subword_prefix", hf.model().value("continuing_subword_prefix", "")}}}};
  const WordPieceLetters letters = word_piece_letters(settings, hf.who);
  for (const auto& [text, id] : hf.model().at("vocab").items()) {
    table.put(id.get<std::int64_t>(), text, GgufTokenType::kNormal);
  }
  for (const AddedToken& token : hf.added) table.put_added(token);
  table.fill_holes();
  for (std::size_t id = 0; id < table.tokens.texts.size(); ++id) {
    std::string& text = table.tokens.texts[id];
    if (table.tokens.types[id] != GgufTokenType::kControl) text = gguf_piece_of(text);
  }
  keys.text(gguf_tokenizer_key("model"), "bert");
  keys.text(gguf_tokenizer_key("pre"), "default");
  keys.flag(gguf_tokenizer_key("normalizer.lowercase"), letters.lowercase);
  if (letters.strip_accents != letters.lowercase)
    keys.flag(gguf_tokenizer_key("normalizer.strip_accents"), letters.strip_accents);
}

// [CLS] and [SEP] are BOS and EOS to llama.cpp.
void add_word_piece_ends(const Tokenizer& tokenizer, const HfFile& hf, const TokenizerConfig& settings,
                         GgufKeys& keys) {
  const std::vector<std::int32_t> bare = tokenizer.encode("a", false);
  std::vector<std::int32_t> whole = tokenizer.encode("a", true);
  const bool ends =
      whole.size() == bare.size() + 2 && std::equal(bare.begin(), bare.end(), whole.begin() + 1);
  LQ_CHECK(ends, kUnsupported, "{}: a text does not stand between [CLS] and [SEP] alone, as BERT's do",
           hf.who);
  const auto id = [&](const char* key, std::int64_t value) {
    if (value >= 0) keys.u32(gguf_tokenizer_key(key), static_cast<std::uint32_t>(value));
  };
  const auto named = [&](const std::string& text) {
    return std::int64_t{tokenizer.id_of(text).value_or(-1)};
  };
  id("bos_token_id", whole.front());
  id("eos_token_id", whole.back());
  id("seperator_token_id", whole.back());
  id("unknown_token_id", named(hf.model().value("unk_token", "[UNK]")));
  id("padding_token_id", tokenizer.special().pad.value_or(-1));
  for (const auto& [name, text] : settings.named) {
    if (name == "mask_token") id("mask_token_id", named(text));
  }
  keys.flag(gguf_tokenizer_key("add_bos_token"), true);
  keys.flag(gguf_tokenizer_key("add_eos_token"), true);
}

void add_pieces(const tokenizers::SentencePieceFile& file, const std::vector<AddedToken>& added,
                GgufTokenTable& table) {
  table.tokens.scores.assign(table.tokens.texts.size(), 0.0F);
  for (std::size_t id = 0; id < file.pieces.size(); ++id) {
    const auto& piece = file.pieces[id];
    table.put(static_cast<std::int64_t>(id), piece.text,
              static_cast<GgufTokenType>(static_cast<std::uint8_t>(piece.type)));
    table.tokens.scores[id] = piece.score;
  }
  for (const AddedToken& token : added) table.put_added(token);
  table.fill_holes();
}

void add_sentencepiece(bool space_prefix, const GgufTokenTable& table, GgufKeys& keys) {
  keys.text(gguf_tokenizer_key("model"), "llama");
  keys.text(gguf_tokenizer_key("pre"), "default");
  keys.f32s(gguf_tokenizer_key("scores"), table.tokens.scores);
  keys.flag(gguf_tokenizer_key("add_space_prefix"), space_prefix);
}

// What the tokenizer puts around a text, by trying it.
void add_ends(const Tokenizer& tokenizer, const JsonObject& model, std::int64_t rows, const std::string& who,
              GgufKeys& keys) {
  const auto either = [&](const std::optional<std::int32_t>& named, const char* key) -> std::int64_t {
    if (named && *named < rows) return *named;
    const std::vector<std::int64_t> ids = model.integers(key, -1, std::numeric_limits<std::int32_t>::max());
    return ids.empty() ? -1 : ids.front();
  };
  GgufTokens special;
  special.bos = either(tokenizer.special().bos, "bos_token_id");
  special.eos = either(tokenizer.special().eos, "eos_token_id");
  special.unk = tokenizer.special().unk.value_or(-1);
  special.pad = either(tokenizer.special().pad, "pad_token_id");
  const std::vector<std::int32_t> bare = tokenizer.encode("a", false);
  std::vector<std::int32_t> whole = tokenizer.encode("a", true);
  const bool bos = !whole.empty() && whole.front() == special.bos && whole != bare;
  if (bos) whole.erase(whole.begin());
  const bool eos = !whole.empty() && whole.back() == special.eos && whole != bare;
  if (eos) whole.pop_back();
  LQ_CHECK(whole == bare, kUnsupported,
           "{}: what the tokenizer puts around a text is more than BOS and EOS, which a GGUF file cannot say",
           who);
  const auto id = [&](const char* key, std::int64_t value) {
    if (value >= 0) keys.u32(gguf_tokenizer_key(key), static_cast<std::uint32_t>(value));
  };
  id("bos_token_id", special.bos);
  id("eos_token_id", special.eos);
  id("unknown_token_id", special.unk);
  id("padding_token_id", special.pad);
  keys.flag(gguf_tokenizer_key("add_bos_token"), bos);
  keys.flag(gguf_tokenizer_key("add_eos_token"), eos);
}

}  // namespace

std::vector<std::string> add_gguf_tokenizer(const Folder& folder, const JsonObject& config,
                                            const GgufVocabularyOptions& options, GgufKeys& keys) {
  const bool in_json = folder.has("tokenizer.json");
  LQ_CHECK(in_json || folder.has("tokenizer.model"), kNotFound,
           "{}: no tokenizer.json and no tokenizer.model, but a GGUF file holds its tokenizer",
           folder.path().string());
  const TokenizerConfig settings = tokenizers::read_tokenizer_config(folder);
  const char* const name = in_json ? "tokenizer.json" : "tokenizer.model";
  const std::string who = folder.who(name);
  const std::string text = folder.read(name, tokenizers::kTokenizerFileLimit);
  GgufTokenTable table(options.rows, who);
  GgufTextRules rules(who);
  std::unique_ptr<Tokenizer> tokenizer;
  bool byte_level = false;
  bool word_piece = false;
  if (in_json) {
    auto loaded = tokenizers::make_hf_tokenizer(text, settings, who);
    HfFile hf = read_hf_file(text, settings, who);
    hf.added = loaded->added_tokens();
    rules.drop_without_row(hf.json.value("added_tokens", Json::array()), options.rows, hf.added);
    tokenizer = std::move(loaded);
    const std::string kind = hf.model().value("type", "");
    byte_level = has_byte_level(hf.json);
    word_piece = kind == "WordPiece";
    LQ_CHECK(word_piece || (kind == "BPE" && (byte_level || hf.flag("byte_fallback"))), kUnsupported,
             "{}: only WordPiece, byte-level BPE and SentencePiece's BPE can be written to a GGUF file", who);
    rules.check_added(hf.added, config.text_or("model_type", ""));
    if (word_piece) {
      add_word_piece(hf, table, keys);
      add_word_piece_ends(*tokenizer, hf, settings, keys);
    } else if (byte_level) {
      rules.check_byte_level(hf.json);
      add_byte_level(hf, options.pre, table, keys);
    } else {
      const bool space_prefix = rules.check_pieces(hf.json);
      add_pieces(hf, table);
      add_sentencepiece(space_prefix, table, keys);
    }
  } else {
    LQ_CHECK(
        tokenizers::looks_like_sentencepiece(text), kUnsupported,
        "{}: holds tiktoken's ranks, which are not written to a GGUF file: put the tokenizer.json of the "
        "same model beside it",
        who);
    auto loaded = std::make_unique<tokenizers::SentencePieceTokenizer>(text, settings, who);
    const std::vector<AddedToken> added = loaded->added_tokens();
    rules.check_added(added, config.text_or("model_type", ""));
    rules.check_sentencepiece(loaded->file(), settings);
    add_pieces(loaded->file(), added, table);
    add_sentencepiece(loaded->file().add_dummy_prefix, table, keys);
    keys.flag(gguf_tokenizer_key("remove_extra_whitespaces"), loaded->file().remove_extra_whitespaces);
    tokenizer = std::move(loaded);
  }
  LQ_CHECK(byte_level || options.pre.empty(), kInvalidArgument,
           "`pre-tokenizer` {}: {} is {}, which has none", options.pre, who,
           word_piece ? "WordPiece's" : "SentencePiece's");
  keys.texts(gguf_tokenizer_key("tokens"), table.tokens.texts);
  std::vector<std::int32_t> types;
  for (const GgufTokenType type : table.tokens.types) types.push_back(static_cast<std::int32_t>(type));
  keys.i32s(gguf_tokenizer_key("token_type"), types);
  if (!word_piece) add_ends(*tokenizer, config, options.rows, who, keys);
  if (settings.chat_template) keys.text("tokenizer.chat_template", *settings.chat_template);
  if (settings.tool_template) keys.text("tokenizer.chat_template.tool_use", *settings.tool_template);
  return rules.notes();
}

}  // namespace lq
