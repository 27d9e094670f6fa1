// Groups of 64 values rounded to whole numbers under a scale of their own; once per SIMD target.
#if defined(LQ_KERNELS_CPU_ROUND_GROUP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_KERNELS_CPU_ROUND_GROUP_INL_H_
#undef LQ_KERNELS_CPU_ROUND_GROUP_INL_H_
#else
#define LQ_KERNELS_CPU_ROUND_GROUP_INL_H_
#endif

#include <algorithm>
#include <cmath>

#include <hwy/highway.h>

#include "backends/nf_view.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
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

// to = x rounded to [-levels, levels], the largest magnitude to levels; returns what 1 is worth. order: where
// the values of each 8 of 32 come from. Where a value is not finite: all 1, worth NaN, which shows in every
// product with them, as it would in f32 (infinity as well: both say the same).
template <class Int>
float RoundGroup(const float* x, float levels, const int (&order)[4], Int* to) {
  const GroupFloats f8;
  const hn::Rebind<Int, GroupFloats> whole;
  constexpr int kStep = static_cast<int>(hn::MaxLanes(f8));
  const float most = GroupPeak(x);
  if (std::isnan(most)) {
    std::fill(to, to + kNfGroup, Int{1});
    return most;
  }
  // The quotient of denormals may overflow: then everything is 0 anyway.
  const auto inverse = hn::Set(f8, most > 1e-30F ? levels / most : 0.0F);
  for (int half = 0; half < kNfGroup; half += 32) {
    for (int e = 0; e < 32; e += kStep) {
      const auto v = hn::Mul(hn::LoadU(f8, x + half + order[e / 8] + e % 8), inverse);
      hn::StoreU(hn::DemoteTo(whole, hn::NearestInt(v)), whole, to + half + e);
    }
  }
  return most / levels;
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LQ_KERNELS_CPU_ROUND_GROUP_INL_H_
