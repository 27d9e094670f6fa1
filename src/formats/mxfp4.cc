#include "formats/mxfp4.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace lq {
namespace {

constexpr std::array<float, 16> kE2m1 = {0.0F,  0.5F,  1.0F,  1.5F,  2.0F,  3.0F,  4.0F,  6.0F,
                                         -0.0F, -0.5F, -1.0F, -1.5F, -2.0F, -3.0F, -4.0F, -6.0F};

float e8m0(std::byte scale) {
  constexpr int kNone = 255;
  constexpr int kBias = 127;
  const int power = std::to_integer<int>(scale);
  return power == kNone ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0F, power - kBias);
}

}  // namespace

void Mxfp4Form::to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const {
  const std::int64_t blocks = cols_ / kMxfp4Block;  // in a row
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t row = (begin + done) / cols_;
    const std::int64_t col = (begin + done) % cols_;
    const std::int64_t first = col % kMxfp4Block;
    const std::int64_t n = std::min(kMxfp4Block - first, count - done);
    const std::int64_t block = row * row_step_ * blocks + col / kMxfp4Block;
    const std::byte* const codes = data + block * (kMxfp4Block / 2);
    const float scale = e8m0(scales_[block]);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t at = first + i;
      const int pair = std::to_integer<int>(codes[at / 2]);
      const int code = at % 2 == 0 ? pair & 15 : pair >> 4;
      out[done + i] = kE2m1[static_cast<std::size_t>(code)] * scale;
    }
    done += n;
  }
}

}  // namespace lq
