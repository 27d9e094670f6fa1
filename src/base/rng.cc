#include "base/rng.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lq {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += 0x9E3779B9U;
    k[1] += 0xBB67AE85U;
  }
  return c;
}

std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::array<std::uint32_t, 4> Rng::words(std::uint64_t index) const {
  return philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                     static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                    {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
}

double Rng::uniform(std::uint64_t index) const {
  const auto w = words(index);
  const std::uint64_t bits = (static_cast<std::uint64_t>(w[0]) << 32) | w[1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

std::uint64_t Rng::below(std::uint64_t index, std::uint64_t n) const {
  const auto w = words(index);
  const std::uint64_t bits = (static_cast<std::uint64_t>(w[2]) << 32) | w[3];
  // The high half of a 128-bit product: bias below n / 2^64.
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(bits) * n) >> 64);
}

void Rng::fill_normal(ThreadPool& pool, float* out, std::int64_t count, std::uint64_t first_index) const {
  // Number i comes from the Box-Muller pair i / 2 of the stream.
  const auto normal_pair = [this](std::uint64_t pair) {
    const auto w = words(pair);
    const double u = (static_cast<double>(w[0]) + 1.0) * 0x1p-32;  // (0, 1]
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(w[1]) * 0x1p-32;
    const double radius = std::sqrt(-2.0 * std::log(u));
    return std::array<double, 2>{radius * std::cos(angle), radius * std::sin(angle)};
  };
  parallel_for(pool, count, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end;) {
      const std::uint64_t index = first_index + static_cast<std::uint64_t>(i);
      const auto pair = normal_pair(index / 2);
      out[i++] = static_cast<float>(pair[index % 2]);
      if (index % 2 == 0 && i < end) out[i++] = static_cast<float>(pair[1]);
    }
  });
}

}  // namespace lq
