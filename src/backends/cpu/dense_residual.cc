#include "backends/cpu/dense_residual.h"

#include <algorithm>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/dense_residual.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Up to 1,024 elements of one row. col_scale, q and out may be null.
template <class D>
HWY_INLINE ResidualNorms segment(D d, std::int64_t begin, std::int64_t end, const float* w, const float* q,
                                 float row_scale, const float* col_scale, float* out) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto squared = hn::Zero(d);
  auto weighted = hn::Zero(d);
  const auto rs = hn::Set(d, row_scale);
  for (std::int64_t j = begin; j + lanes <= end; j += lanes) {
    auto e = hn::LoadU(d, w + j);
    if (q != nullptr) e = hn::Sub(e, hn::LoadU(d, q + j));
    squared = hn::MulAdd(e, e, squared);
    if (col_scale != nullptr) {
      e = hn::Mul(e, hn::Mul(rs, hn::LoadU(d, col_scale + j)));
      weighted = hn::MulAdd(e, e, weighted);
    }
    if (out != nullptr) hn::StoreU(e, d, out + j);
  }
  return {static_cast<double>(hn::GetLane(hn::SumOfLanes(d, squared))),
          static_cast<double>(hn::GetLane(hn::SumOfLanes(d, weighted)))};
}

ResidualNorms ResidualRow(std::int64_t cols, const float* w, const float* q, float row_scale,
                          const float* col_scale, float* out) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  ResidualNorms sum;
  for (std::int64_t begin = 0; begin < cols; begin += 1024) {
    const std::int64_t end = std::min(cols, begin + 1024);
    const std::int64_t whole = begin + (end - begin) / lanes * lanes;
    const ResidualNorms a = segment(d, begin, whole, w, q, row_scale, col_scale, out);
    const ResidualNorms b = segment(one, whole, end, w, q, row_scale, col_scale, out);
    sum.squared += a.squared + b.squared;
    sum.weighted += a.weighted + b.weighted;
  }
  return sum;
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(ResidualRow);

ResidualNorms residual(ThreadPool& pool, std::int64_t rows, std::int64_t cols, const float* w, const float* q,
                       const float* row_scale, const float* col_scale, float* out) {
  const std::int64_t grain = std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(cols, 1));
  std::vector<float> ones;
  if (row_scale != nullptr && col_scale == nullptr) {
    ones.assign(static_cast<std::size_t>(cols), 1.0F);
    col_scale = ones.data();
  }
  std::vector<ResidualNorms> parts(static_cast<std::size_t>((rows + grain - 1) / grain));
  parallel_for(pool, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    ResidualNorms sum;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t at = i * cols;
      const ResidualNorms row = HWY_DYNAMIC_DISPATCH(ResidualRow)(
          cols, w + at, q == nullptr ? nullptr : q + at, row_scale == nullptr ? 1.0F : row_scale[i],
          col_scale, out == nullptr ? nullptr : out + at);
      sum.squared += row.squared;
      sum.weighted += row.weighted;
    }
    parts[static_cast<std::size_t>(begin / grain)] = sum;
  });
  ResidualNorms total;
  for (const ResidualNorms& part : parts) {
    total.squared += part.squared;
    total.weighted += part.weighted;
  }
  if (col_scale == nullptr) total.weighted = total.squared;
  return total;
}

}  // namespace lq::backends
#endif  // HWY_ONCE
