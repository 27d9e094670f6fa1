// Two levels of scales of one unit of 256 blocks: from the scale that each block asks for to the scale that
// it gets. Compiled once per SIMD target.
#ifndef LQ_KERNELS_CPU_NF_SCALES_ONCE_
#define LQ_KERNELS_CPU_NF_SCALES_ONCE_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "backends/cpu/nf_codec.h"
#include "backends/nf_view.h"
#include "base/float16.h"

namespace lq::backends {

// What all units of a matrix share.
struct NfScaleJob {
  NfFormat format;
  const float* target;        // [blocks]
  float offset;               // min target
  const std::uint8_t* given;  // [blocks] first-level codes, or null: the nearest to target
  std::uint8_t* scales;       // packed first-level codes, or null
  void* scales2;              // second-level scales, or null
};

// Rounds a finite x >= 0 to the type of a second-level scale, at most its largest finite value; stores it
// where `to` is not null, and returns the value stored.
inline float store_scale2(float x, ScaleDType type, void* to, std::int64_t index) {
  if (type == ScaleDType::kFp32) {
    if (to != nullptr) std::memcpy(static_cast<std::uint8_t*>(to) + 4 * index, &x, 4);
    return x;
  }
  const bool is_bf16 = type == ScaleDType::kBf16;
  const std::uint16_t bits = is_bf16 ? std::min<std::uint16_t>(to_bf16(x).bits, 0x7f7f)
                                     : std::min<std::uint16_t>(to_f16(x).bits, 0x7bff);
  if (to != nullptr) std::memcpy(static_cast<std::uint8_t*>(to) + 2 * index, &bits, 2);
  return is_bf16 ? to_float(bf16{bits}) : to_float(f16{bits});
}

// The scales of one unit. Blocks past the last ask for the offset, so that their codes are 0.
struct NfUnitScales {
  std::int64_t first = 0;   // block of the matrix
  std::int64_t count = 0;   // blocks
  std::int64_t padded = 0;  // count, up to whole packed groups
  alignas(64) float target[kNfUnitBlocks];
  float scale2[kNfUnitBlocks / 16];  // T of blocks 16 k .. 16 k + 15
};

inline void load_unit_scales(const NfScaleJob& job, std::int64_t unit, std::int64_t blocks, NfUnitScales& s) {
  s.first = unit * kNfUnitBlocks;
  s.count = std::min(kNfUnitBlocks, blocks - s.first);
  s.padded = (s.count + kNfGroup - 1) / kNfGroup * kNfGroup;
  std::copy_n(job.target + s.first, s.count, s.target);
  std::fill(s.target + s.count, s.target + s.padded, job.offset);
  const int block2 = job.format.block2;
  for (std::int64_t begin = 0; begin < s.padded; begin += block2) {
    const std::int64_t end = std::min<std::int64_t>(begin + block2, s.padded);
    float largest = 0.0F;
    for (std::int64_t j = begin; j < end; ++j) largest = std::max(largest, s.target[j] - job.offset);
    void* to = begin < s.count ? job.scales2 : nullptr;
    const float stored = store_scale2(largest, job.format.scale2, to, (s.first + begin) / block2);
    std::fill(s.scale2 + begin / 16, s.scale2 + end / 16, stored);
  }
}

}  // namespace lq::backends
#endif  // LQ_KERNELS_CPU_NF_SCALES_ONCE_

#if defined(LQ_KERNELS_CPU_NF_SCALES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_KERNELS_CPU_NF_SCALES_INL_H_
#undef LQ_KERNELS_CPU_NF_SCALES_INL_H_
#else
#define LQ_KERNELS_CPU_NF_SCALES_INL_H_
#endif

#include <hwy/highway.h>

#include "backends/cpu/nf_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

// First-level codes nearest to the targets of blocks e .. e + kLanes of the unit.
HWY_INLINE VI nearest_scale_code(const NfUnitScales& s, std::int64_t e, VF offset, VF levels) {
  const DF d;
  const float largest = s.scale2[e / 16];
  const VF divisor =
      hn::Set(d, largest == 0.0F ? kFloatInf : largest);  // code 0 where the group has no range
  const VF ratio = hn::Div(hn::Sub(hn::LoadU(d, s.target + e), offset), divisor);
  return hn::NearestInt(hn::Min(hn::Mul(ratio, levels), levels));
}

// One packed group of first-level codes from block g of the unit on: to `packed`, and s' to restored[64].
template <int kScaleBits>
void encode_scale_group(const NfScaleJob& job, const NfUnitScales& s, std::int64_t g, std::uint8_t* packed,
                        float* restored) {
  const DF d;
  constexpr float kLevels = static_cast<float>((1 << kScaleBits) - 1);
  const VF levels = hn::Set(d, kLevels);
  const VF offset = hn::Set(d, job.offset);
  alignas(64) std::uint8_t given[kNfGroup] = {};
  if (job.given != nullptr) {
    std::copy_n(job.given + s.first + g, std::min<std::int64_t>(kNfGroup, s.count - g), given);
  }
  pack_group<kScaleBits>(
      [&](int e) HWY_ATTR {
        const VI u =
            job.given != nullptr ? load_bytes(given + e) : nearest_scale_code(s, g + e, offset, levels);
        const VF step = hn::Set(d, s.scale2[(g + e) / 16] / kLevels);
        hn::StoreU(restore_scale(u, step, offset), d, restored + e);
        return u;
      },
      packed);
}

// restored[j] = s' of block j of the unit, for j < s.padded; the codes are stored where the job says.
inline void encode_unit_scales(const NfScaleJob& job, const NfUnitScales& s, float* restored) {
  alignas(64) std::uint8_t ignored[kNfGroup];
  const int bits = job.format.scale_bits;
  for (std::int64_t g = 0; g < s.padded; g += kNfGroup) {
    std::uint8_t* to = job.scales != nullptr ? job.scales + (s.first + g) / 8 * bits : ignored;
    switch (bits) {
      case 2:
        encode_scale_group<2>(job, s, g, to, restored + g);
        break;
      case 3:
        encode_scale_group<3>(job, s, g, to, restored + g);
        break;
      case 4:
        encode_scale_group<4>(job, s, g, to, restored + g);
        break;
      default:
        encode_scale_group<8>(job, s, g, to, restored + g);
        break;
    }
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LQ_KERNELS_CPU_NF_SCALES_INL_H_
