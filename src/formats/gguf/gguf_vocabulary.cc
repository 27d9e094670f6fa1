#include "formats/gguf/gguf_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_pre_tokenizers.h"
#include "formats/gguf/gguf_tokenizer.h"
#include "formats/gguf/gguf_word_piece.h"
#include "tokenizers/sentencepiece_model.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/tokenizer_config.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;
using tokenizers::AddedToken;
using tokenizers::TokenizerConfig;

constexpr std::uint64_t kTokenizerFileLimit = std::uint64_t{1} << 30;

std::string tokenizer_key(std::string_view name) { return fmt::format("tokenizer.ggml.{}", name); }

// Tokens by their ids, as they are gathered.
class TokenTable {
 public:
  TokenTable(std::int64_t rows, std::string who) : who_(std::move(who)) {
    tokens.texts.resize(static_cast<std::size_t>(rows));
    tokens.types.assign(tokens.texts.size(), GgufTokenType::kUnused);
  }

  void put(std::int64_t id, const std::string& text, GgufTokenType type) {
    LQ_CHECK(id >= 0 && id < std::ssize(tokens.texts), kMismatch,
             "{}: token '{}' has id {}, but the model's embedding has {} rows", who_, printable(text), id,
             tokens.texts.size());
    tokens.texts[static_cast<std::size_t>(id)] = text;
    tokens.types[static_cast<std::size_t>(id)] = type;
  }
  // Added tokens that are the unknown piece or a byte stay that.
  void put_added(const AddedToken& token) {
    GgufTokenType type = token.special ? GgufTokenType::kControl : GgufTokenType::kUserDefined;
    const bool known = token.id >= 0 && token.id < std::ssize(tokens.types);
    const auto before = known ? tokens.types[static_cast<std::size_t>(token.id)] : GgufTokenType::kUnused;
    if (before == GgufTokenType::kUnknown || before == GgufTokenType::kByte) type = before;
    put(token.id, token.content, type);
  }
  // Names for the rows that no token has.
  void fill_holes() {
    for (std::size_t id = 0; id < tokens.texts.size(); ++id) {
      if (tokens.types[id] == GgufTokenType::kUnused && tokens.texts[id].empty()) {
        tokens.texts[id] = fmt::format("[PAD{}]", id);
      }
    }
  }

  GgufTokens tokens;

 private:
  std::string who_;
};

// What a tokenizer.json says.
struct HfTokenizer {
  std::string who;
  OrderedJson json;

  const OrderedJson& model() const { return json.at("model"); }
  bool flag(const char* key) const { return model().contains(key) && model()[key] == true; }
  std::vector<AddedToken> added() const {
    std::vector<AddedToken> all;
    for (const OrderedJson& t : json.value("added_tokens", OrderedJson::array())) {
      all.push_back({.id = t.at("id").get<std::int32_t>(),
                     .content = t.at("content").get<std::string>(),
                     .special = t.value("special", false)});
    }
    return all;
  }
  // Pairs, first to last.
  std::vector<std::pair<std::string, std::string>> merges() const {
    std::vector<std::pair<std::string, std::string>> all;
    for (const OrderedJson& m : model().value("merges", OrderedJson::array())) {
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
};

bool has_byte_level(const OrderedJson& step) {
  if (!step.is_object()) return false;
  if (step.value("type", "") == "ByteLevel") return true;
  const OrderedJson inner = step.value("pretokenizers", OrderedJson::array());
  return std::ranges::any_of(inner, has_byte_level);
}

void add_byte_level(const HfTokenizer& hf, std::string_view pre, TokenTable& table, GgufKeys& keys) {
  const bool whole_words = hf.flag("ignore_merges");
  const OrderedJson& steps = hf.json.at("pre_tokenizer");
  if (!pre.empty()) gguf_pre_tokenizer(pre, "`pre-tokenizer`");
  const std::string name(pre.empty() ? name_of_pre_tokenizer(steps, whole_words, hf.who) : pre);
  for (const auto& [text, id] : hf.model().at("vocab").items()) {
    table.put(id.get<std::int64_t>(), text, GgufTokenType::kNormal);
  }
  for (const AddedToken& token : hf.added()) table.put_added(token);
  table.fill_holes();
  std::vector<std::string> merges;
  for (const auto& [left, right] : hf.merges()) merges.push_back(fmt::format("{} {}", left, right));
  keys.text(tokenizer_key("model"), "gpt2");
  keys.text(tokenizer_key("pre"), name);
  keys.texts(tokenizer_key("merges"), merges);
}

// llama.cpp merges the pair whose token has the highest score, tokenizer.json the one that comes first:
// a token's score is minus the place of the pairs that make it. Tokens that no pair makes come last.
std::vector<float> scores_of_merges(const HfTokenizer& hf, const TokenTable& table) {
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

void add_word_piece(const HfTokenizer& hf, TokenTable& table, GgufKeys& keys) {
  const WordPieceLetters letters = word_piece_letters(hf.json, hf.who);
  for (const auto& [text, id] : hf.model().at("vocab").items()) {
    table.put(id.get<std::int64_t>(), text, GgufTokenType::kNormal);
  }
  for (const AddedToken& token : hf.added()) table.put_added(token);
  table.fill_holes();
  for (std::size_t id = 0; id < table.tokens.texts.size(); ++id) {
    std::string& text = table.tokens.texts[id];
    if (table.tokens.types[id] != GgufTokenType::kControl) text = gguf_piece_of(text);
  }
  keys.text(tokenizer_key("model"), "bert");
  keys.text(tokenizer_key("pre"), "default");
  keys.flag(tokenizer_key("normalizer.lowercase"), letters.lowercase);
  if (letters.strip_accents != letters.lowercase)
    keys.flag(tokenizer_key("normalizer.strip_accents"), letters.strip_accents);
}

// [CLS] and [SEP] are BOS and EOS to llama.cpp.
void add_word_piece_ends(const Tokenizer& tokenizer, const HfTokenizer& hf, const TokenizerConfig& settings,
                         GgufKeys& keys) {
  const std::vector<std::int32_t> bare = tokenizer.encode("a", false);
  std::vector<std::int32_t> whole = tokenizer.encode("a", true);
  const bool ends =
      whole.size() == bare.size() + 2 && std::equal(bare.begin(), bare.end(), whole.begin() + 1);
  LQ_CHECK(ends, kUnsupported, "{}: a text does not stand between [CLS] and [SEP] alone, as BERT's do",
           hf.who);
  const OrderedJson& vocab = hf.model().at("vocab");
  const auto id = [&](const char* key, std::int64_t value) {
    if (value >= 0) keys.u32(tokenizer_key(key), static_cast<std::uint32_t>(value));
  };
  const auto named = [&](const std::string& text) {
    return vocab.contains(text) ? vocab[text].get<std::int64_t>() : -1;
  };
  id("bos_token_id", whole.front());
  id("eos_token_id", whole.back());
  id("seperator_token_id", whole.back());
  id("unknown_token_id", named(hf.model().value("unk_token", "[UNK]")));
  id("padding_token_id", tokenizer.special().pad.value_or(-1));
  for (const auto& [name, text] : settings.named) {
    if (name == "mask_token") id("mask_token_id", named(text));
  }
  keys.flag(tokenizer_key("add_bos_token"), true);
  keys.flag(tokenizer_key("add_eos_token"), true);
}

bool is_byte_piece(const std::string& text) {
  return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>');
}

void add_pieces(const HfTokenizer& hf, TokenTable& table) {
  const std::string unknown =
      hf.model().contains("unk_token") && hf.model()["unk_token"].is_string() ? hf.model()["unk_token"] : "";
  for (const auto& [text, id] : hf.model().at("vocab").items()) {
    const GgufTokenType type = text == unknown       ? GgufTokenType::kUnknown
                               : is_byte_piece(text) ? GgufTokenType::kByte
                                                     : GgufTokenType::kNormal;
    table.put(id.get<std::int64_t>(), text, type);
  }
  for (const AddedToken& token : hf.added()) table.put_added(token);
  table.fill_holes();
  table.tokens.scores = scores_of_merges(hf, table);
}

void add_pieces(const tokenizers::SentencePieceFile& file, const std::vector<AddedToken>& added,
                const std::string& who, TokenTable& table) {
  LQ_CHECK(file.kind == tokenizers::SentencePieceFile::Kind::kBpe && file.byte_fallback &&
               !file.whitespace_as_suffix,
           kUnsupported,
           "{}: only SentencePiece's BPE with byte fallback can be written as a tokenizer of kind llama",
           who);
  LQ_CHECK(file.charsmap.empty(), kUnsupported, "{}: the character map has no place in a GGUF file", who);
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

// Whether text gets a space before it: the two forms in which tokenizer.json says so.
bool prepends_space(const HfTokenizer& hf) {
  const std::string all = hf.json.value("normalizer", OrderedJson()).dump() +
                          hf.json.value("pre_tokenizer", OrderedJson()).dump();
  return all.find("\"Prepend\"") != std::string::npos ||
         (all.find("\"Metaspace\"") != std::string::npos &&
          all.find("\"prepend_scheme\":\"never\"") == std::string::npos &&
          all.find("\"add_prefix_space\":false") == std::string::npos);
}

void add_sentencepiece(bool space_prefix, const TokenTable& table, GgufKeys& keys) {
  keys.text(tokenizer_key("model"), "llama");
  keys.text(tokenizer_key("pre"), "default");
  keys.f32s(tokenizer_key("scores"), table.tokens.scores);
  keys.flag(tokenizer_key("add_space_prefix"), space_prefix);
}

// What the tokenizer puts around a text, by trying it.
void add_ends(const Tokenizer& tokenizer, const JsonObject& model, const std::string& who, GgufKeys& keys) {
  const auto either = [&](const std::optional<std::int32_t>& named, const char* key) -> std::int64_t {
    if (named) return *named;
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
    if (value >= 0) keys.u32(tokenizer_key(key), static_cast<std::uint32_t>(value));
  };
  id("bos_token_id", special.bos);
  id("eos_token_id", special.eos);
  id("unknown_token_id", special.unk);
  id("padding_token_id", special.pad);
  keys.flag(tokenizer_key("add_bos_token"), bos);
  keys.flag(tokenizer_key("add_eos_token"), eos);
}

}  // namespace

void add_gguf_tokenizer(const Folder& folder, const JsonObject& config, const GgufVocabularyOptions& options,
                        GgufKeys& keys) {
  const bool in_json = folder.has("tokenizer.json");
  LQ_CHECK(in_json || folder.has("tokenizer.model"), kNotFound,
           "{}: no tokenizer.json and no tokenizer.model, but a GGUF file holds its tokenizer",
           folder.path().string());
  const std::unique_ptr<Tokenizer> tokenizer = Tokenizer::load(folder);
  const TokenizerConfig settings = tokenizers::read_tokenizer_config(folder);
  const std::string who = folder.who(in_json ? "tokenizer.json" : "tokenizer.model");
  TokenTable table(options.rows, who);
  const std::string file = folder.read(in_json ? "tokenizer.json" : "tokenizer.model", kTokenizerFileLimit);
  bool byte_level = false;
  bool word_piece = false;
  if (in_json) {
    const HfTokenizer hf = {who, OrderedJson::parse(file)};
    const std::string kind = hf.model().value("type", "");
    byte_level = has_byte_level(hf.json.value("pre_tokenizer", OrderedJson()));
    word_piece = kind == "WordPiece";
    LQ_CHECK(word_piece || (kind == "BPE" && (byte_level || hf.flag("byte_fallback"))), kUnsupported,
             "{}: only WordPiece, byte-level BPE and SentencePiece's BPE can be written to a GGUF file", who);
    if (word_piece) {
      add_word_piece(hf, table, keys);
      add_word_piece_ends(*tokenizer, hf, settings, keys);
    } else if (byte_level) {
      add_byte_level(hf, options.pre, table, keys);
    } else {
      add_pieces(hf, table);
      add_sentencepiece(prepends_space(hf), table, keys);
    }
  } else {
    const auto pieces = tokenizers::read_sentencepiece(file, who);
    add_pieces(pieces, settings.added, who, table);
    add_sentencepiece(settings.add_prefix_space.value_or(pieces.add_dummy_prefix), table, keys);
  }
  LQ_CHECK(byte_level || options.pre.empty(), kInvalidArgument,
           "`pre-tokenizer` {}: {} is {}, which has none", options.pre, who,
           word_piece ? "WordPiece's" : "SentencePiece's");
  keys.texts(tokenizer_key("tokens"), table.tokens.texts);
  std::vector<std::int32_t> types;
  for (const GgufTokenType type : table.tokens.types) types.push_back(static_cast<std::int32_t>(type));
  keys.i32s(tokenizer_key("token_type"), types);
  if (!word_piece) add_ends(*tokenizer, config, who, keys);
  if (settings.chat_template) keys.text("tokenizer.chat_template", *settings.chat_template);
  if (settings.tool_template) keys.text("tokenizer.chat_template.tool_use", *settings.tool_template);
}

}  // namespace lq
