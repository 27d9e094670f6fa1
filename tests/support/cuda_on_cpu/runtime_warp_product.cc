// The tensor cores' product of a warp.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "include/kernel.h"

namespace cuda_on_cpu {

namespace {

float float_of_half_bits(std::uint32_t h) {
  const int exponent = static_cast<int>(h >> 10 & 31U);
  const float mantissa = static_cast<float>(h & 1023U);
  const float size = exponent == 0    ? std::ldexp(mantissa, -24)
                     : exponent == 31 ? (mantissa == 0.0F ? INFINITY : NAN)
                                      : std::ldexp(mantissa + 1024.0F, exponent - 25);
  return (h >> 15 & 1U) != 0 ? -size : size;
}
float half_at(std::uint32_t pair, int which) { return float_of_half_bits(pair >> (16 * which) & 0xffffU); }

}  // namespace

void mma_m16n8k16(float* const d[4], const std::uint32_t a[4], const std::uint32_t b[2]) {
  std::uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  std::memcpy(own_slot(), mine, sizeof mine);
  warp_barrier();
  // By the layouts of the PTX manual: group = lane / 4, t = lane % 4.
  const auto word = [](int of_lane, int i) {
    std::uint32_t all[6];
    std::memcpy(all, slot_of(of_lane), sizeof all);
    return all[i];
  };
  const int group = lane() / 4;
  const int t = lane() % 4;
  for (int i = 0; i < 4; ++i) {
    const int row = group + (i >= 2 ? 8 : 0);
    const int col = 2 * t + i % 2;
    double sum = *d[i];
    for (int k = 0; k < 16; ++k) {
      const int k_lane = k % 8 / 2;
      const std::uint32_t left = word(row % 8 * 4 + k_lane, (row >= 8 ? 1 : 0) + (k >= 8 ? 2 : 0));
      const std::uint32_t right = word(col * 4 + k_lane, 4 + (k >= 8 ? 1 : 0));
      sum += double{half_at(left, k % 2)} * half_at(right, k % 2);
    }
    *d[i] = static_cast<float>(sum);
  }
  warp_barrier();
}

}  // namespace cuda_on_cpu
