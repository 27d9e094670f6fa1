// tokenizer.json of the byte-level BPE tokenizers (tokenizer.ggml.model "gpt2").
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_pre_tokenizers.h"
#include "formats/gguf/gguf_tokenizer.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

const PreTokenizerName& pre_tokenizer_of(const GgufMetadata& keys) {
  return gguf_pre_tokenizer(keys.text_or("tokenizer.ggml.pre", "default"), keys.who());
}

OrderedJson post_processor_json(const GgufTokens& tokens) {
  if (!tokens.add_bos && !tokens.add_eos) return byte_level_json(true);
  OrderedJson single = OrderedJson::array();
  OrderedJson special = OrderedJson::object();
  const auto add = [&](std::int64_t id) {
    const std::string& text = tokens.texts[static_cast<std::size_t>(id)];
    single.push_back({{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
    special[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
  };
  if (tokens.add_bos) add(tokens.bos);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  if (tokens.add_eos) add(tokens.eos);
  OrderedJson pair = single;
  for (const OrderedJson& step : single) {
    OrderedJson second = step;
    if (second.contains("Sequence")) second["Sequence"]["id"] = "B";
    for (auto& [kind, fields] : second.items()) fields["type_id"] = 1;
    pair.push_back(std::move(second));
  }
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

OrderedJson added_tokens_json(const GgufTokens& tokens) {
  OrderedJson added = OrderedJson::array();
  for (std::size_t id = 0; id < tokens.texts.size(); ++id) {
    if (!tokens.is_added(id)) continue;
    added.push_back({{"id", id},
                     {"content", tokens.texts[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", tokens.takes_space_behind(id)},
                     {"normalized", false},
                     {"special", tokens.is_special(id)}});
  }
  return added;
}

// {"a": 0, ...}. Written by hand: a JSON object that keeps its order looks its keys up one by one.
std::string vocab_text(const GgufTokens& tokens, const std::string& who) {
  std::unordered_set<std::string_view> seen;
  std::string out = "{";
  for (std::size_t id = 0; id < tokens.texts.size(); ++id) {
    // Unused ones fill the table up to the embedding's size: no text becomes one of them.
    if (tokens.types[id] == GgufTokenType::kUnused) continue;
    LQ_CHECK(seen.insert(tokens.texts[id]).second, kCorruptFile, "{}: tokenizer.ggml.tokens has '{}' twice",
             who, printable(tokens.texts[id]));
    out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", OrderedJson(tokens.texts[id]).dump(), id);
  }
  return out + "}";
}

}  // namespace

bool gguf_bpe_adds_bos(const GgufMetadata& keys) { return pre_tokenizer_of(keys).adds_bos; }

std::string gguf_bpe_json(const GgufTokens& tokens, const GgufMetadata& keys) {
  const PreTokenizerName& pre = pre_tokenizer_of(keys);
  const OrderedJson merges = keys.texts("tokenizer.ggml.merges");
  LQ_CHECK(!merges.empty(), kNotFound, "{}: no tokenizer.ggml.merges beside a vocabulary of kind gpt2",
           keys.who());
  OrderedJson normalizer;
  if (pre.words == BpeWords::kQwen2 || pre.words == BpeWords::kQwen35) normalizer = {{"type", "NFC"}};
  OrderedJson rest = {{"version", "1.0"},
                      {"truncation", nullptr},
                      {"padding", nullptr},
                      {"added_tokens", added_tokens_json(tokens)},
                      {"normalizer", normalizer},
                      {"pre_tokenizer", pre_tokenizer_json(pre.words)},
                      {"post_processor", post_processor_json(tokens)},
                      {"decoder", byte_level_json(true)}};
  std::string text = rest.dump();
  text.pop_back();  // the closing brace
  const std::string unk =
      tokens.unk < 0 ? "null" : OrderedJson(tokens.texts[static_cast<std::size_t>(tokens.unk)]).dump();
  return text +
         fmt::format(
             R"(,"model":{{"type":"BPE","dropout":null,"unk_token":{},"continuing_subword_prefix":null,)"
             R"("end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":{},"vocab":{},"merges":{}}}}})",
             unk, pre.whole_words, vocab_text(tokens, keys.who()), merges.dump());
}

}  // namespace lq
