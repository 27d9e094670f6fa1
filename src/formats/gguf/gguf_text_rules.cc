#include "formats/gguf/gguf_text_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "tokenizers/tokenizer_files.h"

namespace lq {
namespace {

using Json = nlohmann::json;
using tokenizers::AddedToken;
using tokenizers::kVisibleSpace;
using tokenizers::SentencePieceFile;

// The steps of a part in their order, those of a sequence one by one, without fields that are null. list: the
// name under which a sequence keeps them.
void collect_steps(const Json& part, const char* list, std::vector<Json>& steps, int depth = 0) {
  if (!part.is_object() || depth >= tokenizers::kMaxSequenceDepth) return;
  const auto inner = part.find(list);
  if (inner == part.end() || !inner->is_array()) {
    Json& step = steps.emplace_back(Json::object());
    for (const auto& [key, value] : part.items()) {
      if (!value.is_null()) step[key] = value;
    }
    return;
  }
  for (const Json& step : *inner) collect_steps(step, list, steps, depth + 1);
}

std::vector<Json> normalizer_steps(const Json& tokenizer) {
  std::vector<Json> steps;
  collect_steps(tokenizer.value("normalizer", Json()), "normalizers", steps);
  return steps;
}

std::vector<Json> word_steps(const Json& tokenizer) {
  std::vector<Json> steps;
  collect_steps(tokenizer.value("pre_tokenizer", Json()), "pretokenizers", steps);
  return steps;
}

bool is(const Json& step, const char* type) { return step.value("type", "") == type; }

// Whether a step looks for a single space.
bool finds_space(const Json& step) {
  return step.contains("pattern") && step["pattern"] == Json{{"String", " "}};
}

// Whether cutting before every U+2581 keeps a piece from being made.
bool a_piece_goes_on_behind_a_space(const Json& tokenizer) {
  const Json& vocab = tokenizer.at("model").at("vocab");
  for (auto it = vocab.begin(); it != vocab.end(); ++it) {
    if (it.key().find(kVisibleSpace, 1) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

bool has_byte_level(const Json& tokenizer) {
  return std::ranges::any_of(word_steps(tokenizer), [](const Json& step) { return is(step, "ByteLevel"); });
}

void GgufTextRules::check_byte_level(const Json& tokenizer) {
  for (const Json& step : normalizer_steps(tokenizer)) {
    LQ_CHECK(is(step, "NFC"), kUnsupported,
             "{}: the normalizer {} changes texts, which llama.cpp's byte-level BPE takes as they are", who_,
             printable(step.dump()));
    notes_.push_back(fmt::format(
        "{}: texts are normalized to NFC, but llama.cpp's byte-level BPE takes them as they are", who_));
  }
  for (const Json& step : word_steps(tokenizer)) {
    LQ_CHECK(!is(step, "ByteLevel") || !step.value("add_prefix_space", true), kUnsupported,
             "{}: a text gets a space before it (add_prefix_space), but llama.cpp's byte-level BPE takes it "
             "as it is",
             who_);
  }
}

bool GgufTextRules::check_pieces(const Json& tokenizer) {
  bool prefix = false;
  bool shows_spaces = false;
  for (const Json& step : normalizer_steps(tokenizer)) {
    const bool prepends = is(step, "Prepend") && step.value("prepend", "") == kVisibleSpace && !prefix;
    const bool shows = is(step, "Replace") && finds_space(step) && step.value("content", "") == kVisibleSpace;
    LQ_CHECK(prepends || shows, kUnsupported,
             "{}: the normalizer {} changes texts, of which llama.cpp's tokenizers of kind llama change the "
             "spaces alone",
             who_, printable(step.dump()));
    prefix = prefix || prepends;
    shows_spaces = shows_spaces || shows;
  }
  for (const Json& step : word_steps(tokenizer)) {
    if (is(step, "Split") && finds_space(step) && shows_spaces) continue;  // no space is left
    const bool metaspace = is(step, "Metaspace") && step.value("replacement", "\u2581") == kVisibleSpace &&
                           !(step.value("split", true) && a_piece_goes_on_behind_a_space(tokenizer));
    LQ_CHECK(metaspace, kUnsupported,
             "{}: the pre_tokenizer {} cuts texts, which llama.cpp's tokenizers of kind llama take whole",
             who_, printable(step.dump()));
    shows_spaces = true;
    const std::string scheme =
        step.value("prepend_scheme", step.value("add_prefix_space", true) ? "always" : "never");
    if (scheme == "never" || prefix) continue;
    prefix = true;
    notes_.push_back(fmt::format(
        "{}: a text that begins with a space{} gets no other before it, but llama.cpp puts one there", who_,
        scheme == "first" ? " or follows a special token" : ""));
  }
  LQ_CHECK(shows_spaces, kUnsupported,
           "{}: spaces stay spaces, but llama.cpp's tokenizers of kind llama make each U+2581", who_);
  return prefix;
}

void GgufTextRules::check_sentencepiece(const SentencePieceFile& file,
                                        const tokenizers::TokenizerConfig& settings) {
  LQ_CHECK(file.kind == SentencePieceFile::Kind::kBpe && file.byte_fallback && !file.whitespace_as_suffix &&
               file.escape_whitespaces,
           kUnsupported,
           "{}: only SentencePiece's BPE with byte fallback can be written as a tokenizer of kind llama",
           who_);
  LQ_CHECK(file.charsmap.empty(), kUnsupported, "{}: the character map has no place in a GGUF file", who_);
  if (file.remove_extra_whitespaces) {
    notes_.push_back(fmt::format(
        "{}: spaces at both ends and behind others are dropped (remove_extra_whitespaces), but llama.cpp's "
        "tokenizers of kind llama keep them",
        who_));
  }
  if (file.add_dummy_prefix && !settings.legacy.value_or(true)) {
    notes_.push_back(fmt::format(
        "{}: a text that follows a special token gets no space before it, but llama.cpp puts one there",
        who_));
  }
}

void GgufTextRules::drop_without_row(const Json& in_file, std::int64_t rows,
                                     std::vector<AddedToken>& tokens) {
  const auto named_there = [&](const AddedToken& token) {
    return std::ranges::any_of(in_file,
                               [&](const Json& t) { return t.value("content", "") == token.content; });
  };
  std::erase_if(tokens, [&](const AddedToken& token) {
    if (token.id < rows || named_there(token)) return false;
    notes_.push_back(
        fmt::format("{}: the token '{}' of the files beside it has no row in the model's embedding: "
                    "left out",
                    who_, printable(token.content)));
    return true;
  });
}

void GgufTextRules::check_added(const std::vector<AddedToken>& tokens, std::string_view model_type) {
  std::string strips;
  for (const AddedToken& token : tokens) {
    if (!token.lstrip && !token.rstrip && !token.single_word) continue;
    LQ_CHECK(model_type == "phi3" && !token.single_word, kUnsupported,
             "{}: the added token '{}' {}, which a GGUF file cannot say", who_, printable(token.content),
             token.single_word ? "counts as a word of its own alone (single_word)"
                               : "takes the white space beside it (lstrip, rstrip)");
    if (strips.empty()) strips = token.content;
  }
  if (strips.empty()) return;
  notes_.push_back(fmt::format(
      "{}: added tokens such as '{}' take the white space beside them, but llama.cpp drops only that behind "
      "those of a model whose name has phi-3 in it",
      who_, printable(strips)));
}

}  // namespace lq
