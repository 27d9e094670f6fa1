#include "kernels/cpu/nf_gemv_input.h"

#include <algorithm>
#include <cmath>

#include "kernels/nf_view.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/nf_gemv_input.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that it is compiled for every target.
#include "kernels/cpu/group_peak-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rounds 64 activations into the order of NfGemvInput.
void RoundGroup(const float* x, std::int16_t* to, float* scale) {
  const GroupFloats f8;
  const hn::Rebind<std::int16_t, GroupFloats> i16;
  using VF8 = hn::Vec<GroupFloats>;
  constexpr int kStep = static_cast<int>(hn::MaxLanes(f8));
  const float most = GroupPeak(x);
  if (std::isnan(most)) {
    // Comes out as NaN, as it would from a product in f32 (or infinity: both say the same).
    std::fill(to, to + kNfGroup, std::int16_t{1});
    *scale = most;
    return;
  }
  *scale = most / kGemvLevels;
  // The quotient of denormals may overflow: then everything is 0 anyway.
  const VF8 inverse = hn::Set(f8, most > 1e-30F ? kGemvLevels / most : 0.0F);
  for (int half = 0; half < kNfGroup; half += 32) {
    for (int e = 0; e < 32; e += kStep) {
      const VF8 v = hn::Mul(hn::LoadU(f8, x + half + kGemvSource[e / 8] + e % 8), inverse);
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
