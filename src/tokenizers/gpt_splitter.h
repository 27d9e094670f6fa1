// Hand-written matchers for the three regular expressions that most byte-level tokenizers cut words with:
// GPT-2's, Llama 3's and Qwen2's. Several times faster than PCRE2's JIT, and equal to it (gpt_splitter_test).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace lq::tokenizers {

enum class GptPattern { kGpt2, kLlama3, kQwen2 };

inline constexpr std::string_view kGpt2Regex =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kLlama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kQwen2Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Which of the three this regular expression is, letter by letter.
std::optional<GptPattern> known_pattern(std::string_view regex);

// End of the word that starts at `at`. Words follow each other without gaps. REQUIRES: at < text.size(), at
// the start of a character of valid UTF-8.
template <GptPattern pattern>
std::size_t gpt_word_end(std::string_view text, std::size_t at);

extern template std::size_t gpt_word_end<GptPattern::kGpt2>(std::string_view, std::size_t);
extern template std::size_t gpt_word_end<GptPattern::kLlama3>(std::string_view, std::size_t);
extern template std::size_t gpt_word_end<GptPattern::kQwen2>(std::string_view, std::size_t);

// Calls visit(word) for each word of text.
template <typename Visit>
void for_each_gpt_word(GptPattern pattern, std::string_view text, const Visit& visit) {
  const auto run = [&](auto word_end) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = word_end(text, at);
      visit(text.substr(at, end - at));
      at = end;
    }
  };
  switch (pattern) {
    case GptPattern::kGpt2:
      return run([](auto t, auto a) { return gpt_word_end<GptPattern::kGpt2>(t, a); });
    case GptPattern::kLlama3:
      return run([](auto t, auto a) { return gpt_word_end<GptPattern::kLlama3>(t, a); });
    case GptPattern::kQwen2:
      return run([](auto t, auto a) { return gpt_word_end<GptPattern::kQwen2>(t, a); });
  }
}

}  // namespace lq::tokenizers
