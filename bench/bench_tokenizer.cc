// Encoding speed of the tokenizers on one thread, in bytes a second.
//   bench_tokenizer   on text made here with the small tokenizers of tests/goldens
// The comparison with the original libraries on real text is tests/oracles/compare_tokenizers.py --time.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "base/rng.h"
#include "tokenizers/gpt_splitter.h"
#include "tokenizers/tokenizer.h"
#include "unicode/regex.h"

namespace {

const std::filesystem::path kGoldens =
    std::filesystem::path(__FILE__).parent_path().parent_path() / "tests" / "goldens" / "tokenizers";

// Words of a made-up language with Zipf-like frequencies: text repeats itself, and a tokenizer's cache lives
// on that.
std::string make_text(std::size_t bytes) {
  const lq::Rng rng(1);
  std::string text;
  for (std::uint64_t n = 0; text.size() < bytes; ++n) {
    const double u = rng.uniform(n);
    auto word = static_cast<std::uint64_t>(20000.0 * u * u * u * u);
    do {
      text += std::string("esanirtolucd").substr(word % 11, 1 + word % 3);
      word /= 7;
    } while (word > 0);
    text += n % 17 == 0 ? ".\n" : n % 9 == 0 ? ", " : " ";
  }
  return text;
}

void encode(benchmark::State& state, const char* name) {
  const auto tokenizer = lq::Tokenizer::load(kGoldens / name);
  const std::string text = make_text(1 << 20);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer->encode(text, false));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK_CAPTURE(encode, byte_level, "bpe_llama3");
BENCHMARK_CAPTURE(encode, byte_fallback, "bpe_byte_fallback");
BENCHMARK_CAPTURE(encode, sentencepiece_bpe, "sp_bpe");
BENCHMARK_CAPTURE(encode, sentencepiece_unigram, "sp_unigram");
BENCHMARK_CAPTURE(encode, tiktoken, "tiktoken");
BENCHMARK_CAPTURE(encode, word_piece, "wordpiece");

void split_by_hand(benchmark::State& state) {
  const std::string text = make_text(1 << 20);
  std::size_t words = 0;
  for (auto _ : state)
    lq::tokenizers::for_each_gpt_word(lq::tokenizers::GptPattern::kLlama3, text,
                                      [&](std::string_view) { ++words; });
  benchmark::DoNotOptimize(words);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(split_by_hand);

void split_by_pcre2(benchmark::State& state) {
  const std::string text = make_text(1 << 20);
  const lq::Regex regex(lq::tokenizers::kLlama3Regex, "bench");
  std::size_t words = 0;
  for (auto _ : state) regex.for_each(text, [&](std::size_t, std::size_t) { ++words; });
  benchmark::DoNotOptimize(words);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(split_by_pcre2);

}  // namespace

BENCHMARK_MAIN();
