// First-level scales of packed groups brought back, for products straight from the codes; once per SIMD
// target.
#if defined(LQ_KERNELS_CPU_NF_GEMV_SCALES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_KERNELS_CPU_NF_GEMV_SCALES_INL_H_
#undef LQ_KERNELS_CPU_NF_GEMV_SCALES_INL_H_
#else
#define LQ_KERNELS_CPU_NF_GEMV_SCALES_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <vector>

#include <hwy/cache_control.h>

#include "backends/cpu/nf_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

template <int kScaleBits>
void RestoreGroup(const NfView& view, std::int64_t group, std::int64_t last, float* out) {
  const DF d;
  constexpr float kLevels = static_cast<float>((1 << kScaleBits) - 1);
  const VF offset = hn::Set(d, view.offset);
  // A group of 64 scales has one second-level scale, or one for each 16 of them.
  VF steps[4];
  if (view.format.block2 >= kNfGroup) {
    const std::int64_t at = std::min(group / (view.format.block2 / kNfGroup), last);
    for (VF& step : steps) step = hn::Set(d, load_scale2(view.scales2, at, view.format.scale2) / kLevels);
  } else {
    for (std::int64_t j = 0; j < 4; ++j) {
      const std::int64_t at = std::min(group * 4 + j, last);
      steps[j] = hn::Set(d, load_scale2(view.scales2, at, view.format.scale2) / kLevels);
    }
  }
  unpack_group<kScaleBits>(view.scales + group * 8 * kScaleBits, [&](int e, VI u) HWY_ATTR {
    hn::StoreU(restore_scale(u, steps[e / 16], offset), d, out + e);
  });
}

// out[64 * count] = scales of the blocks of packed groups [first, first + count).
inline void RestoreScales(const NfView& view, std::int64_t first, std::int64_t count, float* out) {
  const std::int64_t per = static_cast<std::int64_t>(view.format.block) * view.format.block2;
  const std::int64_t last = (view.rows * view.cols + per - 1) / per - 1;
  for (std::int64_t g = 0; g < count; ++g) {
    float* to = out + g * kNfGroup;
    switch (view.format.scale_bits) {
      case 2:
        RestoreGroup<2>(view, first + g, last, to);
        break;
      case 3:
        RestoreGroup<3>(view, first + g, last, to);
        break;
      case 4:
        RestoreGroup<4>(view, first + g, last, to);
        break;
      default:
        RestoreGroup<8>(view, first + g, last, to);
    }
  }
}

// The scales of rows [begin, end), which end with their job.
class RestoredScales {
 public:
  RestoredScales(const NfView& view, std::int64_t begin, std::int64_t end) {
    const std::int64_t per_row = view.cols / view.format.block;
    const std::int64_t first = begin * per_row / kNfGroup;
    const std::int64_t groups = (end * per_row + kNfGroup - 1) / kNfGroup - first;
    // Those of the jobs that follow, which come to this thread or its neighbour: nothing else fetches them
    // ahead.
    const std::int64_t all = (view.rows * per_row + kNfGroup - 1) / kNfGroup;
    const std::int64_t bytes = 8 * view.format.scale_bits;
    for (std::int64_t at = (first + groups) * bytes; at < std::min(all, first + 3 * groups) * bytes;
         at += 64) {
      hwy::Prefetch(view.scales + at);
    }
    float* scales = few_;
    if (groups * kNfGroup > kFew) {
      many_.resize(static_cast<std::size_t>(groups * kNfGroup));
      scales = many_.data();
    }
    RestoreScales(view, first, groups, scales);
    of_begin_ = scales + begin * per_row - first * kNfGroup;
  }
  RestoredScales(const RestoredScales&) = delete;
  RestoredScales& operator=(const RestoredScales&) = delete;

  // Of row begin, others behind it.
  float* of_begin() { return of_begin_; }

 private:
  static constexpr std::int64_t kFew = 4096;
  alignas(64) float few_[kFew];
  std::vector<float> many_;
  float* of_begin_;
};

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LQ_KERNELS_CPU_NF_GEMV_SCALES_INL_H_
