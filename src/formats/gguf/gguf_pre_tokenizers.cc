#include "formats/gguf/gguf_pre_tokenizers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "base/printable.h"
#include "tokenizers/gpt_splitter.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::array kPreTokenizers = {
    PreTokenizerName{"default", BpeWords::kLlamaCppDefault},
    PreTokenizerName{"gpt-2", BpeWords::kGpt2},
    PreTokenizerName{"phi-2", BpeWords::kGpt2},
    PreTokenizerName{"mpt", BpeWords::kGpt2},
    PreTokenizerName{"olmo", BpeWords::kGpt2},
    PreTokenizerName{"jais", BpeWords::kGpt2},
    PreTokenizerName{"smollm", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"starcoder", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"refact", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"codeshell", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"exaone", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"llama-bpe", BpeWords::kLlama3, true, true},
    PreTokenizerName{"llama3", BpeWords::kLlama3, true, true},
    PreTokenizerName{"llama-v3", BpeWords::kLlama3, true, true},
    PreTokenizerName{"dbrx", BpeWords::kLlama3},
    PreTokenizerName{"smaug-bpe", BpeWords::kLlama3},
    PreTokenizerName{"qwen2", BpeWords::kQwen2},
    PreTokenizerName{"deepseek-r1-qwen", BpeWords::kQwen2},
};

OrderedJson split_by(std::string_view regex) {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}

OrderedJson in_sequence(std::vector<OrderedJson> steps) {
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

// One line a step, so that two ways of writing the same are equal: which bytes a token's text counts
// (trim_offsets) makes no difference, and GPT-2's words may stand as a rule or as a flag. Empty: a step that
// llama.cpp has not.
std::string steps_of(const OrderedJson& step) {
  const std::string type = step.is_object() ? step.value("type", "") : "";
  if (type == "Sequence") {
    std::string all;
    for (const OrderedJson& inner : step.value("pretokenizers", OrderedJson::array())) {
      const std::string lines = steps_of(inner);
      if (lines.empty()) return {};
      all += lines;
    }
    return all;
  }
  const auto split = [](std::string_view regex) { return fmt::format("split {}\n", regex); };
  if (type == "Digits" && step.value("individual_digits", false)) return "digits\n";
  if (type == "ByteLevel" && !step.value("add_prefix_space", true)) {
    return (step.value("use_regex", true) ? split(tokenizers::kGpt2Regex) : std::string()) + "bytes\n";
  }
  const bool plain =
      type == "Split" && step.value("behavior", "") == "Isolated" && !step.value("invert", false);
  if (!plain || !step.contains("pattern") || !step["pattern"].contains("Regex")) return {};
  return split(step["pattern"]["Regex"].get<std::string>());
}

}  // namespace

const PreTokenizerName& gguf_pre_tokenizer(std::string_view name, std::string_view who) {
  const auto at = std::ranges::find(kPreTokenizers, name, &PreTokenizerName::name);
  if (at != kPreTokenizers.end()) return *at;
  std::vector<std::string_view> known;
  for (const PreTokenizerName& p : kPreTokenizers) known.push_back(p.name);
  fail(ErrorCode::kUnsupported, "{}: tokenizer.ggml.pre \"{}\" is not known (known: {})", who,
       printable(std::string(name)), fmt::join(known, ", "));
}

nlohmann::ordered_json byte_level_json(bool cuts_words) {
  return {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", cuts_words}};
}

nlohmann::ordered_json pre_tokenizer_json(BpeWords words) {
  switch (words) {
    case BpeWords::kGpt2:
      return byte_level_json(true);
    case BpeWords::kDigitsThenGpt2:
      return in_sequence({{{"type", "Digits"}, {"individual_digits", true}}, byte_level_json(true)});
    case BpeWords::kLlama3:
      return in_sequence({split_by(tokenizers::kLlama3Regex), byte_level_json(false)});
    case BpeWords::kQwen2:
      return in_sequence({split_by(tokenizers::kQwen2Regex), byte_level_json(false)});
    case BpeWords::kLlamaCppDefault:
      break;
  }
  // Punctuation apart, then GPT-2's words, then runs of digits in groups of three.
  return in_sequence({split_by(R"([\p{P}\$\+<=>\^~\|]+)"), split_by(tokenizers::kGpt2Regex),
                      split_by(R"(\p{N}+)"), split_by("[0-9][0-9][0-9]"), byte_level_json(false)});
}

std::string_view name_of_pre_tokenizer(const nlohmann::ordered_json& pre_tokenizer, bool whole_words,
                                       std::string_view who) {
  const std::string steps = steps_of(pre_tokenizer);
  if (!steps.empty()) {
    // "default" is what llama.cpp does where nothing is said: it comes last.
    for (const bool other : {false, true}) {
      for (const PreTokenizerName& p : kPreTokenizers) {
        if ((p.words == BpeWords::kLlamaCppDefault) != other || p.whole_words != whole_words) continue;
        if (steps_of(pre_tokenizer_json(p.words)) == steps) return p.name;
      }
    }
  }
  fail(ErrorCode::kUnsupported,
       "{}: words are cut in a way that llama.cpp is not known to have: pre_tokenizer {}{}", who,
       printable(pre_tokenizer.dump()), whole_words ? ", ignore_merges" : "");
}

}  // namespace lq
