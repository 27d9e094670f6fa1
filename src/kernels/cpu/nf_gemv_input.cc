#include "kernels/cpu/nf_gemv_input.h"

#include <algorithm>
#include <cmath>

#include "kernels/nf_view.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/nf_gemv_input.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lq::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rounds 64 activations into the order of NfGemvInput.
void RoundGroup(const float* x, std::int16_t* to, float* scale) {
  const hn::CappedTag<float, 8> f8;
  const hn::Rebind<std::int16_t, decltype(f8)> i16;
  using VF8 = hn::Vec<decltype(f8)>;
  constexpr int kStep = static_cast<int>(hn::MaxLanes(f8));
  VF8 largest = hn::Zero(f8);
  VF8 nothing = hn::Zero(f8);  // stays 0 as long as all are finite
  for (int e = 0; e < kNfGroup; e += kStep) {
    const VF8 v = hn::LoadU(f8, x + e);
    largest = hn::Max(largest, hn::Abs(v));
    nothing = hn::Add(nothing, hn::Sub(v, v));
  }
  const float most = hn::GetLane(hn::MaxOfLanes(f8, largest));
  if (hn::GetLane(hn::SumOfLanes(f8, nothing)) != 0.0F) {  // true of NaN
    // Comes out as NaN, as it would from a product in f32 (or infinity: both say the same).
    std::fill(to, to + kNfGroup, std::int16_t{1});
    *scale = std::nanf("");
    return;
  }
  *scale = most / kGemvLevels;
  // The quotient of denormals may overflow: then everything is 0 anyway.
  const VF8 inverse = hn::Set(f8, most > 1e-30F ? kGemvLevels / most : 0.0F);
  constexpr int kSource[4] = {0, 16, 8, 24};
  for (int half = 0; half < kNfGroup; half += 32) {
    for (int e = 0; e < 32; e += kStep) {
      const VF8 v = hn::Mul(hn::LoadU(f8, x + half + kSource[e / 8] + e % 8), inverse);
      hn::StoreU(hn::DemoteTo(i16, hn::NearestInt(v)), i16, to + half + e);
    }
  }
}

// Rounds `count` vectors of `cols` values; the rest of `vectors` is zero.
void NfRoundInput(const float* x, std::int64_t cols, std::int64_t count, int vectors, std::int16_t* to,
                  float* scale) {
  for (std::int64_t g = 0; g < cols / kNfGroup; ++g) {
    for (int j = 0; j < vectors; ++j) {
      const std::int64_t at = g * vectors + j;
      if (j < count) {
        RoundGroup(x + j * cols + g * kNfGroup, to + at * kNfGroup, scale + at);
      } else {
        std::fill(to + at * kNfGroup, to + (at + 1) * kNfGroup, std::int16_t{0});
        scale[at] = 0.0F;
      }
    }
  }
}

}  // namespace lq::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::kernels {
HWY_EXPORT(NfRoundInput);

void nf_gemv_round(const float* x, std::int64_t cols, std::int64_t count, int vectors, std::int16_t* to,
                   float* scale) {
  HWY_DYNAMIC_DISPATCH(NfRoundInput)(x, cols, count, vectors, to, scale);
}

}  // namespace lq::kernels
#endif
