#include "formats/gguf/gguf_tokenizer.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_pooling.h"
#include "formats/gguf/gguf_word_piece.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kTokenizerKeys = "tokenizer.ggml.";

std::string key_of(std::string_view name) { return std::string(kTokenizerKeys) + std::string(name); }

// Control tokens that end an answer in the chat formats, whatever eos_token_id says.
constexpr std::array<std::string_view, 6> kEndsOfTurn = {"<|eot_id|>", "<|eom_id|>",    "<|im_end|>",
                                                         "<|end|>",    "<end_of_turn>", "<|endoftext|>"};

// Keys that say nothing of how text becomes tokens.
constexpr std::array<std::string_view, 13> kSilentKeys = {
    "token_type_count", "seperator_token_id", "cls_token_id",     "mask_token_id",    "fim_pre_token_id",
    "fim_suf_token_id", "fim_mid_token_id",   "fim_pad_token_id", "fim_rep_token_id", "fim_sep_token_id",
    "prefix_token_id",  "suffix_token_id",    "middle_token_id"};

std::int64_t token_id(const GgufMetadata& keys, const std::string& name, std::size_t tokens) {
  return keys.integer_or(key_of(name + "_token_id"), -1, 0, static_cast<std::int64_t>(tokens) - 1);
}

GgufTokens read_tokens(const GgufMetadata& keys) {
  GgufTokens out;
  out.texts = keys.texts(key_of("tokens"));
  LQ_CHECK(!out.texts.empty(), kNotFound, "{}: no {}tokens", keys.who(), kTokenizerKeys);
  out.types.assign(out.texts.size(), GgufTokenType::kNormal);
  const std::vector<std::int64_t> types = keys.integers(key_of("token_type"));
  LQ_CHECK(types.empty() || types.size() == out.texts.size(), kCorruptFile,
           "{}: {}token_type has {} entries for {} tokens", keys.who(), kTokenizerKeys, types.size(),
           out.texts.size());
  for (std::size_t id = 0; id < types.size(); ++id) {
    LQ_CHECK(types[id] >= 1 && types[id] <= 6, kCorruptFile, "{}: {}token_type: {} at {} (expected 1 to 6)",
             keys.who(), kTokenizerKeys, types[id], id);
    out.types[id] = static_cast<GgufTokenType>(types[id]);
  }
  out.scores = keys.floats(key_of("scores"));
  out.bos = token_id(keys, "bos", out.texts.size());
  out.eos = token_id(keys, "eos", out.texts.size());
  out.unk = token_id(keys, "unknown", out.texts.size());
  out.pad = token_id(keys, "padding", out.texts.size());
  std::string name = keys.text_or("general.name", "");
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c | 32 : c; });
  out.of_phi3 = name.find("phi-3") != std::string::npos || name.find("phi3") != std::string::npos;
  return out;
}

// What is named as special is found in the text, whatever type it has.
void mark_special(GgufTokens& tokens) {
  for (const std::int64_t id : {tokens.bos, tokens.eos, tokens.pad}) {
    if (id >= 0 && tokens.types[static_cast<std::size_t>(id)] == GgufTokenType::kNormal) {
      tokens.types[static_cast<std::size_t>(id)] = GgufTokenType::kControl;
    }
  }
}

// SentencePiece's model needs an unknown piece; converters that take types from elsewhere call it a control
// token.
void mark_unknown(GgufTokens& tokens) {
  if (tokens.unk >= 0) tokens.types[static_cast<std::size_t>(tokens.unk)] = GgufTokenType::kUnknown;
}

// The key "tokenizer.chat_template", and templates of other names in keys that end in ".NAME".
OrderedJson chat_template_json(const GgufMetadata& keys) {
  const std::string base = "tokenizer.chat_template";
  if (!keys.has(base)) return nullptr;
  const std::string usual = keys.text(base);
  OrderedJson named = {{{"name", "default"}, {"template", usual}}};
  for (const std::string& key : keys.unread(base + ".")) {
    named.push_back({{"name", key.substr(base.size() + 1)}, {"template", keys.text(key)}});
  }
  return named.size() == 1 ? OrderedJson(usual) : named;
}

OrderedJson tokenizer_config_json(const GgufTokens& tokens, const GgufMetadata& keys, bool sentencepiece) {
  OrderedJson config = {{"tokenizer_class", sentencepiece ? "LlamaTokenizer" : "PreTrainedTokenizerFast"},
                        {"add_bos_token", tokens.add_bos},
                        {"add_eos_token", tokens.add_eos},
                        {"clean_up_tokenization_spaces", false}};
  const auto name = [&](const char* key, std::int64_t id) {
    if (id >= 0) config[key] = tokens.texts[static_cast<std::size_t>(id)];
  };
  name("bos_token", tokens.bos);
  name("eos_token", tokens.eos);
  name("unk_token", tokens.unk);
  name("pad_token", tokens.pad);
  if (sentencepiece) {
    config["legacy"] = true;
    if (!keys.boolean_or(key_of("add_space_prefix"), true)) config["add_prefix_space"] = false;
    OrderedJson& added = config["added_tokens_decoder"] = OrderedJson::object();
    for (std::size_t id = 0; id < tokens.texts.size(); ++id) {
      if (!tokens.is_added(id)) continue;
      added[std::to_string(id)] = {{"content", tokens.texts[id]}, {"lstrip", false},
                                   {"normalized", false},         {"rstrip", tokens.takes_space_behind(id)},
                                   {"single_word", false},        {"special", tokens.is_special(id)}};
    }
  }
  if (OrderedJson chat = chat_template_json(keys); !chat.is_null()) config["chat_template"] = std::move(chat);
  return config;
}

OrderedJson generation_config_json(const GgufTokens& tokens, const GgufMetadata& keys) {
  OrderedJson config = OrderedJson::object();
  if (tokens.bos >= 0) config["bos_token_id"] = tokens.bos;
  std::vector<std::int64_t> ends;
  const auto add = [&](std::int64_t id) {
    if (id >= 0 && std::ranges::find(ends, id) == ends.end()) ends.push_back(id);
  };
  add(tokens.eos);
  add(token_id(keys, "eot", tokens.texts.size()));
  add(token_id(keys, "eom", tokens.texts.size()));
  for (std::size_t id = 0; id < tokens.texts.size(); ++id) {
    const bool ends_turn = tokens.types[id] == GgufTokenType::kControl &&
                           std::ranges::find(kEndsOfTurn, tokens.texts[id]) != kEndsOfTurn.end();
    if (ends_turn) add(static_cast<std::int64_t>(id));
  }
  if (!ends.empty()) config["eos_token_id"] = ends;
  if (tokens.pad >= 0) config["pad_token_id"] = tokens.pad;
  return config;
}

void refuse_unread(const GgufMetadata& keys) {
  LQ_CHECK(!keys.boolean_or(key_of("add_sep_token"), false), kUnsupported,
           "{}: {}add_sep_token is true, which is of texts in pairs", keys.who(), kTokenizerKeys);
  for (const std::string& key : keys.unread(kTokenizerKeys)) {
    const std::string_view name = std::string_view(key).substr(kTokenizerKeys.size());
    LQ_CHECK(std::ranges::find(kSilentKeys, name) != kSilentKeys.end(), kUnsupported,
             "{}: the key {} is not understood, and may change what text becomes", keys.who(),
             printable(key));
  }
}

// Of BERT's kind: nothing is generated, so there are no settings for that.
std::map<std::string, std::string> word_piece_texts(const GgufMetadata& keys) {
  GgufTokens tokens = read_tokens(keys);
  mark_special(tokens);
  mark_unknown(tokens);
  (void)keys.text_or(key_of("pre"), "default");  // of byte-level BPE only
  GgufWordPiece made = gguf_word_piece(tokens, keys);
  refuse_unread(keys);
  return {{"tokenizer.json", std::move(made.tokenizer)},
          {"tokenizer_config.json", std::move(made.tokenizer_config)}};
}

}  // namespace

bool GgufTokens::is_added(std::size_t id) const {
  return is_special(id) || types[id] == GgufTokenType::kUserDefined;
}

bool GgufTokens::is_special(std::size_t id) const {
  return types[id] == GgufTokenType::kControl || types[id] == GgufTokenType::kUnknown;
}

bool GgufTokens::takes_space_behind(std::size_t id) const {
  constexpr std::array<std::string_view, 3> kKeepIt = {"<unk>", "<s>", "<|endoftext|>"};
  return of_phi3 && is_added(id) && std::ranges::find(kKeepIt, texts[id]) == kKeepIt.end();
}

std::map<std::string, std::string> gguf_side_texts(const GgufMetadata& keys) {
  std::map<std::string, std::string> pooling =
      gguf_pooling_texts(keys, keys.text_or("general.architecture", ""));
  const std::string kind = keys.text_or(key_of("model"), "none");
  if (kind == "none" || kind == "no_vocab") return pooling;
  LQ_CHECK(kind == "gpt2" || kind == "llama" || kind == "bert", kUnsupported,
           "{}: {}model \"{}\" is not read (known: gpt2, byte-level BPE; llama, SentencePiece; bert, "
           "WordPiece)",
           keys.who(), kTokenizerKeys, printable(kind));
  if (kind == "bert") {
    std::map<std::string, std::string> texts = word_piece_texts(keys);
    texts.merge(pooling);
    return texts;
  }
  const bool sentencepiece = kind == "llama";
  GgufTokens tokens = read_tokens(keys);
  mark_special(tokens);
  if (sentencepiece) mark_unknown(tokens);
  const bool usual_bos = sentencepiece || gguf_bpe_adds_bos(keys);
  tokens.add_bos = keys.boolean_or(key_of("add_bos_token"), usual_bos) && tokens.bos >= 0;
  tokens.add_eos = keys.boolean_or(key_of("add_eos_token"), false) && tokens.eos >= 0;
  std::map<std::string, std::string> texts;
  if (sentencepiece) {
    (void)keys.text_or(key_of("pre"), "default");
    (void)keys.has(key_of("merges"));  // SentencePiece's order of merges is that of the scores
    texts["tokenizer.model"] = gguf_sentencepiece_model(tokens, keys);
  } else {
    (void)keys.has(key_of("add_space_prefix"));  // of SentencePiece only
    (void)keys.has(key_of("remove_extra_whitespaces"));
    texts["tokenizer.json"] = gguf_bpe_json(tokens, keys);
  }
  texts["tokenizer_config.json"] = tokenizer_config_json(tokens, keys, sentencepiece).dump(2);
  texts["generation_config.json"] = generation_config_json(tokens, keys).dump(2);
  refuse_unread(keys);
  texts.merge(pooling);
  return texts;
}

}  // namespace lq
