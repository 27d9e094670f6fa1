#include "eval/python_random.h"

#include <array>
#include <bit>
#include <cmath>
#include <unordered_set>

namespace lq {
namespace {

// init_by_array of the reference implementation (Matsumoto and Nishimura 2002), with one word as its key.
struct SeedOfOneWord {
  using result_type = std::uint32_t;
  std::uint32_t key;

  // Called by the engine with its 624 words of state.
  template <typename Iterator>
  void generate(Iterator begin, Iterator end) const {
    constexpr std::uint32_t kSize = 624;
    std::array<std::uint32_t, kSize> state;
    state[0] = 19650218U;
    for (std::uint32_t i = 1; i < kSize; ++i)
      state[i] = 1812433253U * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    std::uint32_t i = 1;
    const auto step = [&] {
      if (++i < kSize) return;
      state[0] = state[kSize - 1];
      i = 1;
    };
    for (std::uint32_t k = 0; k < kSize; ++k) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * 1664525U)) + key;
      step();
    }
    for (std::uint32_t k = 1; k < kSize; ++k) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * 1566083941U)) - i;
      step();
    }
    state[0] = 0x80000000U;
    std::copy(state.begin(), state.end(), begin);
    (void)end;
  }
};

}  // namespace

PythonRandom::PythonRandom(std::uint32_t seed) {
  SeedOfOneWord words{seed};
  engine_.seed(words);
}

// Bits of the highest words first; again until the number is below n.
std::size_t PythonRandom::below(std::size_t n) {
  const int bits = static_cast<int>(std::bit_width(n));
  while (true) {
    const std::size_t drawn = engine_() >> (32 - bits);
    if (drawn < n) return drawn;
  }
}

std::vector<std::size_t> PythonRandom::sample(std::size_t population, std::size_t count) {
  std::vector<std::size_t> result(count);
  // A list costs less than a set of what was drawn where the sample is a large share.
  double set_size = 21;
  if (count > 5)
    set_size += std::pow(4.0, std::ceil(std::log(static_cast<double>(count * 3)) / std::log(4.0)));
  if (static_cast<double>(population) <= set_size) {
    std::vector<std::size_t> pool(population);
    for (std::size_t i = 0; i < population; ++i) pool[i] = i;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t j = below(population - i);
      result[i] = pool[j];
      pool[j] = pool[population - i - 1];
    }
    return result;
  }
  std::unordered_set<std::size_t> drawn;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t j = below(population);
    while (!drawn.insert(j).second) j = below(population);
    result[i] = j;
  }
  return result;
}

}  // namespace lq
