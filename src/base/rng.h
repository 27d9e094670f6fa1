// Counter-based random numbers: the value at (seed, stream, index) is a pure function, so results do not
// depend on the number of threads or on the order of calls. Philox 4x32-10 (Salmon et al., SC 2011).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/parallel.h"

namespace lq {

// Ten rounds of Philox on a 128-bit counter under a 64-bit key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// A 64-bit number for a name, to give each matrix or purpose a stream of its own (FNV-1a).
std::uint64_t stream_of(std::string_view name);

class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  // Four independent 32-bit words at index.
  std::array<std::uint32_t, 4> words(std::uint64_t index) const;
  // Uniform in [0, 1), 53 bits.
  double uniform(std::uint64_t index) const;
  // Uniform in [0, n). REQUIRES: n > 0.
  std::uint64_t below(std::uint64_t index, std::uint64_t n) const;
  // out[i] = standard normal number first_index + i, for i < count. The same values on any number of threads.
  void fill_normal(ThreadPool& pool, float* out, std::int64_t count, std::uint64_t first_index = 0) const;

  std::uint64_t seed() const { return seed_; }
  std::uint64_t stream() const { return stream_; }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
};

}  // namespace lq
