#include "formats/gguf/gguf_word_piece.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/error.h"
#include "base/printable.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kWordStart = "\u2581";
constexpr std::string_view kGoesOn = "##";
constexpr std::int64_t kLongestWord = 100;  // characters, of every model

std::int64_t id_of(const GgufMetadata& keys, std::string_view name, std::size_t tokens) {
  return keys.integer_or(fmt::format("tokenizer.ggml.{}_token_id", name), -1, 0,
                         static_cast<std::int64_t>(tokens) - 1);
}

// The specials of a text, and of a pair of texts, around it.
struct Around {
  std::int64_t cls = -1, sep = -1, mask = -1;
};

Around around_of(const GgufTokens& tokens, const GgufMetadata& keys) {
  Around a;
  a.cls = tokens.bos >= 0 ? tokens.bos : id_of(keys, "cls", tokens.texts.size());
  a.sep = id_of(keys, "seperator", tokens.texts.size());
  if (a.sep < 0) a.sep = tokens.eos;
  a.mask = id_of(keys, "mask", tokens.texts.size());
  LQ_CHECK(a.cls >= 0 && a.sep >= 0 && tokens.unk >= 0, kNotFound,
           "{}: tokenizer.ggml.bos_token_id, seperator_token_id or unknown_token_id is not there, but a "
           "vocabulary of kind bert needs them",
           keys.who());
  return a;
}

// As tokenizer.json has it.
std::string word_piece_of(const GgufTokens& tokens, std::size_t id) {
  const std::string& text = tokens.texts[id];
  // Older files have all names in brackets as they are.
  if (tokens.is_special(id) || (text.starts_with('[') && text.ends_with(']'))) return text;
  if (text.starts_with(kWordStart)) return text.substr(kWordStart.size());
  return fmt::format("{}{}", kGoesOn, text);
}

OrderedJson special_step(const std::string& text, int type) {
  return {{"SpecialToken", {{"id", text}, {"type_id", type}}}};
}

OrderedJson text_step(const char* which, int type) {
  return {{"Sequence", {{"id", which}, {"type_id", type}}}};
}

OrderedJson post_processor_of(const std::string& cls, std::int64_t cls_id, const std::string& sep,
                              std::int64_t sep_id) {
  const auto special = [](const std::string& text, std::int64_t id) {
    return OrderedJson{{"id", text}, {"ids", {id}}, {"tokens", {text}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", {special_step(cls, 0), text_step("A", 0), special_step(sep, 0)}},
          {"pair",
           {special_step(cls, 0), text_step("A", 0), special_step(sep, 0), text_step("B", 1),
            special_step(sep, 1)}},
          {"special_tokens", {{cls, special(cls, cls_id)}, {sep, special(sep, sep_id)}}}};
}

// {"a": 0, ...} and what is found in texts whole.
struct Pieces {
  std::string vocab;
  OrderedJson added = OrderedJson::array();
};

Pieces pieces_of(const GgufTokens& tokens, const std::string& who) {
  Pieces pieces;
  std::unordered_set<std::string> seen;
  for (std::size_t id = 0; id < tokens.texts.size(); ++id) {
    if (tokens.types[id] == GgufTokenType::kUnused) continue;
    const std::string text = word_piece_of(tokens, id);
    LQ_CHECK(seen.insert(text).second, kCorruptFile, "{}: tokenizer.ggml.tokens has '{}' twice", who,
             printable(text));
    pieces.vocab += fmt::format("{}{}:{}", pieces.vocab.empty() ? "" : ",", OrderedJson(text).dump(), id);
    if (!tokens.is_added(id)) continue;
    pieces.added.push_back({{"id", id},
                            {"content", text},
                            {"single_word", false},
                            {"lstrip", false},
                            {"rstrip", false},
                            {"normalized", false},
                            {"special", tokens.is_special(id)}});
  }
  return pieces;
}

}  // namespace

std::string gguf_piece_of(std::string_view word_piece) {
  if (word_piece.starts_with(kGoesOn)) return std::string(word_piece.substr(kGoesOn.size()));
  return fmt::format("{}{}", kWordStart, word_piece);
}

GgufWordPiece gguf_word_piece(const GgufTokens& tokens, const GgufMetadata& keys) {
  for (const char* name : {"add_bos_token", "add_eos_token"}) {
    LQ_CHECK(keys.boolean_or(fmt::format("tokenizer.ggml.{}", name), true), kUnsupported,
             "{}: tokenizer.ggml.{} is false, but BERT's texts stand between [CLS] and [SEP]", keys.who(),
             name);
  }
  // BERT's texts end in [SEP] whatever this says.
  (void)keys.boolean_or("tokenizer.ggml.add_sep_token", true);
  const Around around = around_of(tokens, keys);
  const auto text = [&](std::int64_t id) { return word_piece_of(tokens, static_cast<std::size_t>(id)); };
  const bool lowercase = keys.boolean_or("tokenizer.ggml.normalizer.lowercase", true);
  const bool strip = keys.boolean_or("tokenizer.ggml.normalizer.strip_accents", lowercase);
  const Pieces pieces = pieces_of(tokens, keys.who());
  const OrderedJson rest = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", pieces.added},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", true},
        {"strip_accents", strip == lowercase ? OrderedJson() : OrderedJson(strip)},
        {"lowercase", lowercase}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor", post_processor_of(text(around.cls), around.cls, text(around.sep), around.sep)},
      {"decoder", {{"type", "WordPiece"}, {"prefix", kGoesOn}, {"cleanup", true}}}};
  GgufWordPiece out;
  out.tokenizer = rest.dump();
  out.tokenizer.pop_back();  // the closing brace
  out.tokenizer += fmt::format(
      R"(,"model":{{"type":"WordPiece","unk_token":{},"continuing_subword_prefix":"{}","max_input_chars_per_word":{},"vocab":{{{}}}}}}})",
      OrderedJson(text(tokens.unk)).dump(), kGoesOn, kLongestWord, pieces.vocab);
  OrderedJson config = {{"tokenizer_class", "BertTokenizer"},
                        {"do_lower_case", lowercase},
                        {"tokenize_chinese_chars", true},
                        {"strip_accents", strip == lowercase ? OrderedJson() : OrderedJson(strip)},
                        {"clean_up_tokenization_spaces", true},
                        {"cls_token", text(around.cls)},
                        {"sep_token", text(around.sep)},
                        {"unk_token", text(tokens.unk)}};
  if (tokens.pad >= 0) config["pad_token"] = text(tokens.pad);
  if (around.mask >= 0) config["mask_token"] = text(around.mask);
  out.tokenizer_config = config.dump(2);
  return out;
}

WordPieceLetters word_piece_letters(const nlohmann::ordered_json& tokenizer, std::string_view who) {
  const OrderedJson model = tokenizer.at("model");
  const OrderedJson normalizer = tokenizer.value("normalizer", OrderedJson());
  const OrderedJson words = tokenizer.value("pre_tokenizer", OrderedJson());
  const bool bert = normalizer.is_object() && normalizer.value("type", "") == "BertNormalizer" &&
                    normalizer.value("clean_text", true) && normalizer.value("handle_chinese_chars", true) &&
                    words.is_object() && words.value("type", "") == "BertPreTokenizer";
  LQ_CHECK(bert, kUnsupported,
           "{}: llama.cpp cleans and cuts texts as BertNormalizer (clean_text, handle_chinese_chars) and "
           "BertPreTokenizer do, but the file has normalizer {} and pre_tokenizer {}",
           who, printable(normalizer.dump()), printable(words.dump()));
  LQ_CHECK(model.value("continuing_subword_prefix", "") == kGoesOn, kUnsupported,
           "{}: pieces that go on begin with \"{}\", but llama.cpp's vocabularies of kind bert have \"{}\"",
           who, printable(model.value("continuing_subword_prefix", "")), kGoesOn);
  WordPieceLetters letters;
  letters.lowercase = normalizer.value("lowercase", true);
  const OrderedJson strip = normalizer.value("strip_accents", OrderedJson());
  letters.strip_accents = strip.is_boolean() ? strip.get<bool>() : letters.lowercase;
  return letters;
}

}  // namespace lq
