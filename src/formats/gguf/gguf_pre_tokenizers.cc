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
    PreTokenizerName{"gigachat", BpeWords::kGpt2},
    PreTokenizerName{"a.x-4.0", BpeWords::kGpt2},
    PreTokenizerName{"mellum", BpeWords::kGpt2},
    PreTokenizerName{"exaone4", BpeWords::kGpt2},
    PreTokenizerName{"trillion", BpeWords::kGpt2},
    PreTokenizerName{"granite-docling", BpeWords::kGpt2},
    PreTokenizerName{"smollm", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"starcoder", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"refact", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"codeshell", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"command-r", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"exaone", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"minerva-7b", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"mellum2", BpeWords::kDigitsThenGpt2},
    PreTokenizerName{"llama-bpe", BpeWords::kLlama3, true, true},
    PreTokenizerName{"llama3", BpeWords::kLlama3, true, true},
    PreTokenizerName{"llama-v3", BpeWords::kLlama3, true, true},
    PreTokenizerName{"falcon3", BpeWords::kLlama3, true, true},
    PreTokenizerName{"falcon-h1", BpeWords::kLlama3, true, true},
    PreTokenizerName{"pixtral", BpeWords::kLlama3, true, true},
    PreTokenizerName{"midm-2.0", BpeWords::kLlama3, true, true},
    PreTokenizerName{"lfm2", BpeWords::kLlama3, true, true},
    PreTokenizerName{"glm4", BpeWords::kLlama3, true},
    PreTokenizerName{"glm5", BpeWords::kLlama3, true},
    PreTokenizerName{"dbrx", BpeWords::kLlama3},
    PreTokenizerName{"smaug-bpe", BpeWords::kLlama3},
    PreTokenizerName{"chatglm-bpe", BpeWords::kLlama3},
    PreTokenizerName{"qwen2", BpeWords::kQwen2},
    PreTokenizerName{"deepseek-r1-qwen", BpeWords::kQwen2},
    PreTokenizerName{"stablelm2", BpeWords::kQwen2},
    PreTokenizerName{"megrez", BpeWords::kQwen2},
    PreTokenizerName{"hunyuan", BpeWords::kQwen2},
    PreTokenizerName{"solar-open", BpeWords::kQwen2},
    PreTokenizerName{"grok-2", BpeWords::kQwen2},
    PreTokenizerName{"kormo", BpeWords::kQwen2},
    PreTokenizerName{"qwen35", BpeWords::kQwen35},
    PreTokenizerName{"gpt-4o", BpeWords::kGpt4o},
    PreTokenizerName{"llama4", BpeWords::kGpt4o},
    PreTokenizerName{"kanana2", BpeWords::kGpt4o},
    PreTokenizerName{"minimax-m2", BpeWords::kGpt4o},
    PreTokenizerName{"tekken", BpeWords::kTekken, true, true},
    PreTokenizerName{"deepseek-coder", BpeWords::kDeepSeekCoder},
    PreTokenizerName{"deepseek-v3", BpeWords::kDeepSeek3},
    PreTokenizerName{"hunyuan-dense", BpeWords::kDeepSeek3},
    PreTokenizerName{"joyai-llm", BpeWords::kDeepSeek3},
    PreTokenizerName{"hy_v4", BpeWords::kDeepSeek3},
    PreTokenizerName{"bloom", BpeWords::kBloom},
    PreTokenizerName{"poro-chat", BpeWords::kBloom},
    PreTokenizerName{"gpt3-finnish", BpeWords::kBloom},
    PreTokenizerName{"seed-coder", BpeWords::kSeedCoder},
    PreTokenizerName{"bailingmoe", BpeWords::kBailing},
    PreTokenizerName{"bailingmoe2", BpeWords::kBailing},
    PreTokenizerName{"llada-moe", BpeWords::kBailing},
    PreTokenizerName{"jais-2", BpeWords::kJais2},
    PreTokenizerName{"minicpm5", BpeWords::kMiniCpm5, true},
    PreTokenizerName{"ufakzeka", BpeWords::kUfakzeka},
};

// As the tokenizer.json files of these models have them.
constexpr std::string_view kGpt4oRegex =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekkenRegex =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoderRegex =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| "
    "?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kBailingRegex =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kJais2Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})";
constexpr std::string_view kMiniCpm5Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kUfakzekaRegex =
    R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kBloomRegex = R"( ?[^(\s|.,!?…。，、।۔،)]+)";
constexpr std::string_view kDeepSeekEastAsia = "[一-龥ࠀ-一가-퟿]+";
constexpr std::string_view kDeepSeek3EastAsia = "[一-龥぀-ゟ゠-ヿ]+";
constexpr std::string_view kDeepSeek3Regex =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
    "?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";

// Whether every character belongs to a word of this expression: then "Removed" with `invert`, as some files
// have it, is the same as "Isolated".
bool leaves_nothing_out(std::string_view regex) {
  constexpr std::array kWhole = {tokenizers::kGpt2Regex, tokenizers::kLlama3Regex, tokenizers::kQwen2Regex,
                                 kGpt4oRegex, kTekkenRegex};
  return std::ranges::find(kWhole, regex) != kWhole.end();
}

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
  if (type != "Split" || !step.contains("pattern") || !step["pattern"].contains("Regex")) return {};
  const auto regex = step["pattern"]["Regex"].get<std::string>();
  const std::string behavior = step.value("behavior", "");
  const bool inverted = step.value("invert", false);
  const bool cuts = inverted ? behavior == "Removed" && leaves_nothing_out(regex) : behavior == "Isolated";
  return cuts ? split(regex) : std::string();
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
  const OrderedJson digits = {{"type", "Digits"}, {"individual_digits", true}};
  const auto one = [](std::string_view regex) {
    return in_sequence({split_by(regex), byte_level_json(false)});
  };
  switch (words) {
    case BpeWords::kGpt2:
      return byte_level_json(true);
    case BpeWords::kDigitsThenGpt2:
      return in_sequence({digits, byte_level_json(true)});
    case BpeWords::kLlama3:
      return one(tokenizers::kLlama3Regex);
    case BpeWords::kQwen2:
      return one(tokenizers::kQwen2Regex);
    case BpeWords::kQwen35:
      return one(kQwen35Regex);
    case BpeWords::kGpt4o:
      return one(kGpt4oRegex);
    case BpeWords::kTekken:
      return one(kTekkenRegex);
    case BpeWords::kSeedCoder:
      return one(kSeedCoderRegex);
    case BpeWords::kBailing:
      return one(kBailingRegex);
    case BpeWords::kJais2:
      return one(kJais2Regex);
    case BpeWords::kUfakzeka:
      return one(kUfakzekaRegex);
    case BpeWords::kBloom:
      return one(kBloomRegex);
    case BpeWords::kMiniCpm5:
      return in_sequence({split_by(R"(\p{N}{1,3})"), split_by(kMiniCpm5Regex), byte_level_json(false)});
    case BpeWords::kDeepSeek3:
      return in_sequence({split_by(R"(\p{N}{1,3})"), split_by(kDeepSeek3EastAsia), split_by(kDeepSeek3Regex),
                          byte_level_json(false)});
    case BpeWords::kDeepSeekCoder:
      return in_sequence({split_by("[\r\n]"), split_by(R"(\s?\p{L}+)"), split_by(R"(\s?\p{P}+)"),
                          split_by(kDeepSeekEastAsia), digits, byte_level_json(false)});
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
