// The largest magnitude of a group of 64 values; once per SIMD target.
#if defined(LQ_KERNELS_CPU_GROUP_PEAK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_KERNELS_CPU_GROUP_PEAK_INL_H_
#undef LQ_KERNELS_CPU_GROUP_PEAK_INL_H_
#else
#define LQ_KERNELS_CPU_GROUP_PEAK_INL_H_
#endif

#include <cmath>

#include <hwy/highway.h>

#include "kernels/nf_view.h"

HWY_BEFORE_NAMESPACE();
namespace lq::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using GroupFloats = hn::CappedTag<float, 8>;

// max |x[e]| over 64 values; NaN where one of them is not finite.
inline float GroupPeak(const float* x) {
  const GroupFloats f8;
  using V = hn::Vec<GroupFloats>;
  V largest = hn::Zero(f8);
  V nothing = hn::Zero(f8);  // stays 0 as long as all are finite
  for (int e = 0; e < kNfGroup; e += static_cast<int>(hn::MaxLanes(f8))) {
    const V v = hn::LoadU(f8, x + e);
    largest = hn::Max(largest, hn::Abs(v));
    nothing = hn::Add(nothing, hn::Sub(v, v));
  }
  if (hn::GetLane(hn::SumOfLanes(f8, nothing)) != 0.0F) return std::nanf("");  // true of NaN
  return hn::GetLane(hn::MaxOfLanes(f8, largest));
}

}  // namespace lq::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LQ_KERNELS_CPU_GROUP_PEAK_INL_H_
