#include "backends/cpu/nf_gemv_input.h"

#include <algorithm>

#include "backends/nf_view.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/nf_gemv_input.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that it is compiled for every target.
#include "backends/cpu/round_group-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

// Rounds `count` vectors of `cols` values; the rest of `vectors` is zero.
void NfRoundInput(const float* x, std::int64_t cols, std::int64_t count, int vectors, std::int16_t* to,
                  float* scale) {
  for (std::int64_t g = 0; g < cols / kNfGroup; ++g) {
    for (int j = 0; j < vectors; ++j) {
      const std::int64_t at = g * vectors + j;
      if (j < count) {
        scale[at] = RoundGroup(x + j * cols + g * kNfGroup, kGemvLevels, kGemvSource, to + at * kNfGroup);
      } else {
        std::fill(to + at * kNfGroup, to + (at + 1) * kNfGroup, std::int16_t{0});
        scale[at] = 0.0F;
      }
    }
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(NfRoundInput);

void nf_gemv_round(const float* x, std::int64_t cols, std::int64_t count, int vectors, std::int16_t* to,
                   float* scale) {
  HWY_DYNAMIC_DISPATCH(NfRoundInput)(x, cols, count, vectors, to, scale);
}

}  // namespace lq::backends
#endif
