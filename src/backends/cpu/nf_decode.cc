// Dequantization.
#include <algorithm>
#include <cstdint>

#include "backends/cpu/nf_codec.h"
#include "base/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/nf_decode.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "backends/cpu/nf_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

// scales[0 .. 64) = s' of blocks 64 * group ..; past the last block, of codes that are padding.
template <int kScaleBits>
void restore_scale_group(const NfView& v, std::int64_t group, std::int64_t groups2, float* scales) {
  const DF d;
  constexpr int kLevels = (1 << kScaleBits) - 1;
  float steps[4];  // of 16 blocks each: no second-level group is smaller
  for (int k = 0; k < 4; ++k) {
    const std::int64_t index = std::min((group * 64 + 16 * k) / v.format.block2, groups2 - 1);
    steps[k] = load_scale2(v.scales2, index, v.format.scale2) / static_cast<float>(kLevels);
  }
  const VF offset = hn::Set(d, v.offset);
  unpack_group<kScaleBits>(v.scales + group * 8 * kScaleBits, [&](int e, VI u) HWY_ATTR {
    hn::StoreU(restore_scale(u, hn::Set(d, steps[e / 16]), offset), d, scales + e);
  });
}

template <int kBits, bool kStream>
void decode_groups(const std::uint8_t* codes, std::int64_t groups, const float* scales, int block_shift,
                   const ValueTable<kBits>& value, float* out) {
  const DF d;
  const int per_group = 64 >> block_shift;
  for (std::int64_t g = 0; g < groups; ++g) {
    unpack_group<kBits>(codes + g * 8 * kBits, [&](int e, VI code) HWY_ATTR {
      const VF result = hn::Mul(value(code), hn::Set(d, scales[e >> block_shift]));
      if constexpr (kStream) {
        hn::Stream(result, d, out + g * 64 + e);
      } else {
        hn::StoreU(result, d, out + g * 64 + e);
      }
    });
    scales += per_group;
  }
}

template <int kBits>
void decode(const NfView& v, std::int64_t begin, std::int64_t count, bool stream, float* out) {
  const ValueTable<kBits> value(v.codebook);
  const int block = v.format.block;
  const int block_shift = block == 16 ? 4 : block == 32 ? 5 : 6;
  const std::int64_t blocks = (v.rows * v.cols + block - 1) / block;
  const std::int64_t groups2 = (blocks + v.format.block2 - 1) / v.format.block2;
  const std::int64_t span = std::int64_t{64} * block;  // elements whose scales are packed together
  const std::int64_t end = begin + count;
  stream = stream && begin % 64 == 0 && reinterpret_cast<std::uintptr_t>(out) % (kLanes * sizeof(float)) == 0;
  alignas(64) float scales[64];
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t scale_group = at / span;
    switch (v.format.scale_bits) {
      case 2:
        restore_scale_group<2>(v, scale_group, groups2, scales);
        break;
      case 3:
        restore_scale_group<3>(v, scale_group, groups2, scales);
        break;
      case 4:
        restore_scale_group<4>(v, scale_group, groups2, scales);
        break;
      default:
        restore_scale_group<8>(v, scale_group, groups2, scales);
        break;
    }
    const std::int64_t stop = std::min(end, (scale_group + 1) * span);
    while (at < stop) {
      const std::int64_t group = at / 64;
      const float* group_scales = scales + (group * 64 - scale_group * span) / block;
      const std::uint8_t* codes = v.codes + group * 8 * kBits;
      const std::int64_t whole = at % 64 == 0 ? (stop - at) / 64 : 0;
      if (whole > 0) {
        if (stream) {
          decode_groups<kBits, true>(codes, whole, group_scales, block_shift, value, out);
        } else {
          decode_groups<kBits, false>(codes, whole, group_scales, block_shift, value, out);
        }
        at += whole * 64;
        out += whole * 64;
        continue;
      }
      alignas(64) float buffer[64];  // part of a group
      decode_groups<kBits, false>(codes, 1, group_scales, block_shift, value, buffer);
      const std::int64_t part = std::min(stop, group * 64 + 64) - at;
      std::copy_n(buffer + at % 64, part, out);
      at += part;
      out += part;
    }
  }
  if (stream) hwy::FlushStream();
}

void decode_any(const NfView& v, std::int64_t begin, std::int64_t count, bool stream, float* out) {
  switch (v.format.bits) {
    case 2:
      decode<2>(v, begin, count, stream, out);
      break;
    case 3:
      decode<3>(v, begin, count, stream, out);
      break;
    case 4:
      decode<4>(v, begin, count, stream, out);
      break;
    case 5:
      decode<5>(v, begin, count, stream, out);
      break;
    case 6:
      decode<6>(v, begin, count, stream, out);
      break;
    default:
      decode<8>(v, begin, count, stream, out);
      break;
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
namespace {

HWY_EXPORT(decode_any);

// Outputs this large would only push other data out of the caches.
constexpr std::int64_t kStreamElements = std::int64_t{4} << 20;
constexpr std::int64_t kGrain = 1 << 15;

}  // namespace

void nf_dequantize(const NfView& view, std::int64_t begin, std::int64_t count, float* out) {
  LQ_ASSERT(begin >= 0 && count >= 0 && begin + count <= view.rows * view.cols);
  HWY_DYNAMIC_DISPATCH(decode_any)(view, begin, count, false, out);
}

void nf_dequantize(ThreadPool& pool, const NfView& view, float* out) {
  const std::int64_t n = view.rows * view.cols;
  const bool stream = n >= kStreamElements;
  parallel_for(pool, n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(decode_any)(view, begin, end - begin, stream, out + begin);
  });
}

}  // namespace lq::backends
#endif
