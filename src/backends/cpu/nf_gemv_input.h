// Activations as the integer kernel of nf_gemv.h reads them: each 64 rounded to 14 bits under a scale of
// their own.
#pragma once

#include <cstdint>

namespace lq::backends {

inline constexpr float kGemvLevels = 16383.0F;  // 8 products of two such numbers fit 31 bits

// Of each 32 elements, the first of each 8 in the order in which they lie: so that a 16-bit load meets what
// interleaving bytes within 128-bit lanes gives.
inline constexpr int kGemvSource[4] = {0, 16, 8, 24};

struct NfGemvInput {
  const std::int16_t* x;  // [groups][vectors][64]: in the order of kGemvSource
  const float* scale;     // [groups][vectors]: what one step of x is worth
  int vectors;            // 1 or 4 (the last ones zero)
  int count;              // of them wanted
};

// Rounds x: [count, cols] into to and scale, laid out as above; vectors beyond count become zero. A group
// that holds a NaN or an infinity gets a scale of NaN, which shows in every product with it. REQUIRES: cols %
// 64 == 0.
void nf_gemv_round(const float* x, std::int64_t cols, std::int64_t count, int vectors, std::int16_t* to,
                   float* scale);

}  // namespace lq::backends
