#include "backends/cpu/transformer_gemv.h"

#include <algorithm>
#include <cstring>

#include <hwy/cache_control.h>

#include "base/float16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/transformer_gemv.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

struct ReadF32 {
  static constexpr std::int64_t kBytes = 4;
  HWY_INLINE static V vector(const std::uint8_t* p) {
    const hn::Repartition<std::uint8_t, D> d8;
    return hn::BitCast(D(), hn::LoadU(d8, p));
  }
  HWY_INLINE static float scalar(const std::uint8_t* p) {
    float value;
    std::memcpy(&value, p, 4);
    return value;
  }
};

struct ReadBf16 {
  static constexpr std::int64_t kBytes = 2;
  HWY_INLINE static V vector(const std::uint8_t* p) {
    const hn::Rebind<std::uint16_t, D> d16;
    const hn::RebindToUnsigned<D> d32;
    const auto bits = hn::LoadU(d16, reinterpret_cast<const std::uint16_t*>(p));
    return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(d32, bits)));
  }
  HWY_INLINE static float scalar(const std::uint8_t* p) {
    bf16 value;
    std::memcpy(&value, p, 2);
    return to_float(value);
  }
};

struct ReadF16 {
  static constexpr std::int64_t kBytes = 2;
  HWY_INLINE static V vector(const std::uint8_t* p) {
    const hn::Rebind<std::uint16_t, D> du;
    const hn::Rebind<hwy::float16_t, D> d16;
    return hn::PromoteTo(D(), hn::BitCast(d16, hn::LoadU(du, reinterpret_cast<const std::uint16_t*>(p))));
  }
  HWY_INLINE static float scalar(const std::uint8_t* p) {
    f16 value;
    std::memcpy(&value, p, 2);
    return to_float(value);
  }
};

// One row of w times kCount vectors, with two accumulators each.
template <class Read, int kCount>
HWY_INLINE void Row(const std::uint8_t* w, std::int64_t cols, const float* x, std::int64_t rows, float* y) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V sums[2 * kCount];
  for (auto& s : sums) s = hn::Zero(d);
  std::int64_t k = 0;
  for (; k + 2 * lanes <= cols; k += 2 * lanes) {
    // Rows are streamed once; the hardware's own prefetcher stops at every page.
    hwy::Prefetch(w + Read::kBytes * k + 1024);
    const V a = Read::vector(w + Read::kBytes * k);
    const V b = Read::vector(w + Read::kBytes * (k + lanes));
    for (int j = 0; j < kCount; ++j) {
      sums[2 * j] = hn::MulAdd(a, hn::LoadU(d, x + j * cols + k), sums[2 * j]);
      sums[2 * j + 1] = hn::MulAdd(b, hn::LoadU(d, x + j * cols + k + lanes), sums[2 * j + 1]);
    }
  }
  float totals[kCount];
  for (int j = 0; j < kCount; ++j) {
    totals[j] = hn::GetLane(hn::SumOfLanes(d, hn::Add(sums[2 * j], sums[2 * j + 1])));
  }
  for (; k < cols; ++k) {
    const float a = Read::scalar(w + Read::kBytes * k);
    for (int j = 0; j < kCount; ++j) totals[j] += a * x[j * cols + k];
  }
  for (int j = 0; j < kCount; ++j) y[j * rows] = totals[j];
}

template <class Read>
HWY_INLINE void Rows(const std::uint8_t* w, std::int64_t begin, std::int64_t end, std::int64_t rows,
                     std::int64_t cols, const float* x, std::int64_t count, float* y) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::uint8_t* row = w + Read::kBytes * cols * i;
    switch (count) {
      case 1:
        Row<Read, 1>(row, cols, x, rows, y + i);
        break;
      case 2:
        Row<Read, 2>(row, cols, x, rows, y + i);
        break;
      case 3:
        Row<Read, 3>(row, cols, x, rows, y + i);
        break;
      default:
        Row<Read, 4>(row, cols, x, rows, y + i);
    }
  }
}

void DenseGemvRows(DenseType type, const std::uint8_t* w, std::int64_t begin, std::int64_t end,
                   std::int64_t rows, std::int64_t cols, const float* x, std::int64_t count, float* y) {
  switch (type) {
    case DenseType::kF32:
      return Rows<ReadF32>(w, begin, end, rows, cols, x, count, y);
    case DenseType::kBf16:
      return Rows<ReadBf16>(w, begin, end, rows, cols, x, count, y);
    case DenseType::kF16:
      return Rows<ReadF16>(w, begin, end, rows, cols, x, count, y);
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(DenseGemvRows);

void dense_gemv(ThreadPool& pool, DenseType type, const void* w, std::int64_t rows, std::int64_t cols,
                const float* x, std::int64_t count, float* y) {
  // Some 256 KiB of the matrix for one job.
  const std::int64_t width = type == DenseType::kF32 ? 4 : 2;
  const std::int64_t grain = std::max<std::int64_t>(1, 262144 / std::max<std::int64_t>(1, cols * width));
  parallel_for(pool, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(DenseGemvRows)
    (type, static_cast<const std::uint8_t*>(w), begin, end, rows, cols, x, count, y);
  });
}

}  // namespace lq::backends
#endif
