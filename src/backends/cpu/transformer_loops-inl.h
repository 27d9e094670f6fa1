// Loops over f32 vectors with a scalar tail, for the transformer kernels. Included once per Highway target.
#if defined(LQ_TRANSFORMER_LOOPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_TRANSFORMER_LOOPS_INL
#undef LQ_TRANSFORMER_LOOPS_INL
#else
#define LQ_TRANSFORMER_LOOPS_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using F32x1 = hn::CappedTag<float, 1>;

// body(d, i) for every i in [0, n) in steps of Lanes(d): whole vectors, then single elements.
template <class Body>
HWY_INLINE void for_lanes(std::int64_t n, const Body& body) {
  const F32 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) body(d, i);
  const F32x1 d1;
  for (; i < n; ++i) body(d1, i);
}

// Sum of term(d, i) over [0, n): four vector accumulators, then the tail one by one. The order depends on n
// and on the vector length only.
template <class Term>
HWY_INLINE float sum_lanes(std::int64_t n, const Term& term) {
  const F32 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::Add(s0, term(d, i));
    s1 = hn::Add(s1, term(d, i + lanes));
    s2 = hn::Add(s2, term(d, i + 2 * lanes));
    s3 = hn::Add(s3, term(d, i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::Add(s0, term(d, i));
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  const F32x1 d1;
  for (; i < n; ++i) total += hn::GetLane(term(d1, i));
  return total;
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
