// Python's random.Random(seed).sample, number for number: lm-evaluation-harness draws its few-shot examples
// with it, so the same examples stand before the same question.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace lq {

// Not thread-safe.
class PythonRandom {
 public:
  // As random.Random(seed) for a seed that is a whole number of at most 32 bits.
  explicit PythonRandom(std::uint32_t seed);
  // `count` different numbers below `population`, in the order of random.sample(range(population), count).
  // REQUIRES: count <= population.
  std::vector<std::size_t> sample(std::size_t population, std::size_t count);

 private:
  std::size_t below(std::size_t n);
  std::mt19937 engine_;
};

}  // namespace lq
