// Quantization: block scales, and codes either packed or turned straight back into values.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "kernels/cpu/nf_codec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/nf_encode.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kernels/cpu/nf_simd-inl.h"

#ifndef LQ_KERNELS_CPU_NF_ENCODE_ONCE_
#define LQ_KERNELS_CPU_NF_ENCODE_ONCE_
namespace lq::kernels {

// A whole quantization; `codes` or `q` is null.
struct NfEncodeJob {
  NfFormat format;
  const NfCodebook* book;
  const float* w;
  std::int64_t n;
  const float* target;
  float offset;
  NfPackedOut packed;
  float* q;
  bool stream;  // q bypasses the caches
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

}  // namespace lq::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace lq::kernels::HWY_NAMESPACE {

template <int kBlock>
float absmax_blocks(const float* w, std::int64_t blocks, float* absmax) {
  const DF d;
  float smallest = kFloatInf;
  for (std::int64_t j = 0; j < blocks; ++j) {
    VF largest = hn::Abs(hn::LoadU(d, w + j * kBlock));
    for (int e = kLanes; e < kBlock; e += kLanes) {
      largest = hn::Max(largest, hn::Abs(hn::LoadU(d, w + j * kBlock + e)));
    }
    const float result = hn::GetLane(hn::MaxOfLanes(d, largest));
    absmax[j] = result;
    smallest = std::min(smallest, result);
  }
  return smallest;
}

// Blocks begin .. of w[n], the last of which may be short.
float absmax_range(const float* w, std::int64_t n, int block, std::int64_t begin, std::int64_t end,
                   float* absmax) {
  const std::int64_t whole = std::min(end, n / block);
  const float* first = w + begin * block;
  float smallest = block == 16   ? absmax_blocks<16>(first, whole - begin, absmax + begin)
                   : block == 32 ? absmax_blocks<32>(first, whole - begin, absmax + begin)
                                 : absmax_blocks<64>(first, whole - begin, absmax + begin);
  if (whole < end) {
    float largest = 0.0F;
    for (std::int64_t i = whole * block; i < n; ++i) largest = std::max(largest, std::abs(w[i]));
    absmax[whole] = largest;
    smallest = std::min(smallest, largest);
  }
  return smallest;
}

// One packed group of first-level scales: codes to `packed`, s' to restored[64]. target[64] is padded with
// the offset; scale2[k] belongs to blocks 16 k .. 16 k + 15.
template <int kScaleBits>
void encode_scale_group(const float* target, float offset, const float* scale2, std::uint8_t* packed,
                        float* restored) {
  const DF d;
  constexpr float kLevels = static_cast<float>((1 << kScaleBits) - 1);
  const VF levels = hn::Set(d, kLevels);
  const VF base = hn::Set(d, offset);
  const auto code_at = [&](int e) HWY_ATTR {
    const float largest = scale2[e / 16];
    const VF divisor =
        hn::Set(d, largest == 0.0F ? kFloatInf : largest);  // code 0 where the group has no range
    const VF ratio = hn::Div(hn::Sub(hn::LoadU(d, target + e), base), divisor);
    const VI u = hn::NearestInt(hn::Min(hn::Mul(ratio, levels), levels));
    hn::StoreU(restore_scale(u, hn::Set(d, largest / kLevels), base), d, restored + e);
    return u;
  };
  pack_group<kScaleBits>(code_at, packed);
}

// Scales of the blocks [first, first + count), count <= 256, first a multiple of 256.
void encode_scales(const NfEncodeJob& job, std::int64_t first, std::int64_t count, float* restored) {
  alignas(64) float target[kNfUnitBlocks];
  float scale2[kNfUnitBlocks / 16];
  const std::int64_t padded = (count + 63) / 64 * 64;
  std::copy_n(job.target + first, count, target);
  std::fill(target + count, target + padded, job.offset);
  const int block2 = job.format.block2;
  for (std::int64_t begin = 0; begin < padded; begin += block2) {
    const std::int64_t end = std::min<std::int64_t>(begin + block2, padded);
    float largest = 0.0F;
    for (std::int64_t j = begin; j < end; ++j) largest = std::max(largest, target[j] - job.offset);
    const std::int64_t index = (first + begin) / block2;
    void* to = begin < count ? job.packed.scales2 : nullptr;
    const float stored = store_scale2(largest, job.format.scale2, to, index);
    std::fill(scale2 + begin / 16, scale2 + end / 16, stored);
  }
  alignas(64) std::uint8_t ignored[64];
  for (std::int64_t g = 0; g < padded; g += 64) {
    const int bits = job.format.scale_bits;
    std::uint8_t* to = job.packed.scales != nullptr ? job.packed.scales + (first + g) / 8 * bits : ignored;
    const auto encode = bits == 2   ? encode_scale_group<2>
                        : bits == 3 ? encode_scale_group<3>
                        : bits == 4 ? encode_scale_group<4>
                                    : encode_scale_group<8>;
    encode(target + g, job.offset, scale2 + g / 16, to, restored + g);
  }
}

// Codes of one group of 64 elements from a short last group: the padding's bits are zero.
template <int kBits>
void clear_padding(std::uint8_t* packed, std::int64_t valid) {
  for (std::int64_t e = valid; e < 64; ++e) {
    if constexpr (kBits == 8) {
      packed[e] = 0;
    } else if constexpr (kBits == 4) {
      packed[e % 32] &= static_cast<std::uint8_t>(e < 32 ? 0xf0 : 0x0f);
    } else {
      packed[e % 16] &= static_cast<std::uint8_t>(~(3U << (e / 16 * 2)));
      if constexpr (kBits == 3) packed[16 + e / 8] &= static_cast<std::uint8_t>(~(1U << (e % 8)));
    }
  }
}

template <int kBits>
HWY_INLINE void pack_codes(const float* w, const float* divisors, int block_shift,
                           const CodeSearch<kBits>& search, std::uint8_t* out) {
  const DF d;
  pack_group<kBits>(
      [&](int e)
          HWY_ATTR { return search(hn::Div(hn::LoadU(d, w + e), hn::Set(d, divisors[e >> block_shift]))); },
      out);
}

template <int kBits, bool kStream>
HWY_INLINE void round_codes(const float* w, const float* scales, const float* divisors, int block_shift,
                            const CodeSearch<kBits>& search, const ValueTable<kBits>& value, float* q) {
  const DF d;
  for (int e = 0; e < 64; e += kLanes) {
    const VF x = hn::Div(hn::LoadU(d, w + e), hn::Set(d, divisors[e >> block_shift]));
    const VF result = hn::Mul(value(search(x)), hn::Set(d, scales[e >> block_shift]));
    if constexpr (kStream) {
      hn::Stream(result, d, q + e);
    } else {
      hn::StoreU(result, d, q + e);
    }
  }
}

template <int kBits>
void encode_unit(const NfEncodeJob& job, std::int64_t unit) {
  const CodeSearch<kBits> search(*job.book);
  const ValueTable<kBits> value(job.book->values);
  const int block = job.format.block;
  const int block_shift = block == 16 ? 4 : block == 32 ? 5 : 6;
  const std::int64_t first_block = unit * kNfUnitBlocks;
  const std::int64_t begin = first_block * block;
  const std::int64_t end = std::min(job.n, begin + kNfUnitBlocks * block);
  const std::int64_t blocks = (end - begin + block - 1) / block;
  alignas(64) float scales[kNfUnitBlocks];
  alignas(64) float divisors[kNfUnitBlocks];
  encode_scales(job, first_block, blocks, scales);
  const std::int64_t padded = (blocks + 63) / 64 * 64;
  // w / infinity = 0: a block whose scale came out as zero gets the code of zero.
  for (std::int64_t j = 0; j < padded; ++j) divisors[j] = scales[j] == 0.0F ? kFloatInf : scales[j];

  const std::int64_t whole = (end - begin) / 64;
  const int per_group = 64 >> block_shift;
  const float* w = job.w + begin;
  float* q = job.q + begin;
  std::uint8_t* codes = job.packed.codes + begin / 8 * kBits;
  if (job.q == nullptr) {
    for (std::int64_t g = 0; g < whole; ++g) {
      pack_codes<kBits>(w + g * 64, divisors + g * per_group, block_shift, search, codes + g * 8 * kBits);
    }
  } else if (job.stream) {
    for (std::int64_t g = 0; g < whole; ++g) {
      round_codes<kBits, true>(w + g * 64, scales + g * per_group, divisors + g * per_group, block_shift,
                               search, value, q + g * 64);
    }
    hwy::FlushStream();
  } else {
    for (std::int64_t g = 0; g < whole; ++g) {
      round_codes<kBits, false>(w + g * 64, scales + g * per_group, divisors + g * per_group, block_shift,
                                search, value, q + g * 64);
    }
  }
  const std::int64_t rest = end - begin - whole * 64;
  if (rest == 0) return;
  alignas(64) float buffer[64] = {};
  std::copy_n(w + whole * 64, rest, buffer);
  if (job.q == nullptr) {
    pack_codes<kBits>(buffer, divisors + whole * per_group, block_shift, search, codes + whole * 8 * kBits);
    clear_padding<kBits>(codes + whole * 8 * kBits, rest);
  } else {
    round_codes<kBits, false>(buffer, scales + whole * per_group, divisors + whole * per_group, block_shift,
                              search, value, buffer);
    std::copy_n(buffer, rest, q + whole * 64);
  }
}

void encode_units(const NfEncodeJob& given, std::int64_t begin, std::int64_t end) {
  NfEncodeJob job = given;
  job.stream = job.stream && reinterpret_cast<std::uintptr_t>(job.q) % (kLanes * sizeof(float)) == 0;
  for (std::int64_t unit = begin; unit < end; ++unit) {
    switch (job.format.bits) {
      case 2:
        encode_unit<2>(job, unit);
        break;
      case 3:
        encode_unit<3>(job, unit);
        break;
      case 4:
        encode_unit<4>(job, unit);
        break;
      default:
        encode_unit<8>(job, unit);
        break;
    }
  }
}

}  // namespace lq::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::kernels {
namespace {

HWY_EXPORT(absmax_range);
HWY_EXPORT(encode_units);

// Outputs this large would only push other data out of the caches.
constexpr std::int64_t kStreamElements = std::int64_t{4} << 20;
constexpr std::int64_t kGrainElements = 1 << 15;

void encode(ThreadPool& pool, const NfEncodeJob& job) {
  const std::int64_t unit_elements = kNfUnitBlocks * job.format.block;
  const std::int64_t units = (job.n + unit_elements - 1) / unit_elements;
  parallel_for(pool, units, kGrainElements / unit_elements, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(encode_units)(job, begin, end);
  });
}

}  // namespace

float nf_block_absmax(ThreadPool& pool, const float* w, std::int64_t n, int block, float* absmax) {
  LQ_ASSERT(n >= 1);
  const std::int64_t blocks = (n + block - 1) / block;
  const std::int64_t grain = kGrainElements / block;
  std::vector<float> smallest(static_cast<std::size_t>((blocks + grain - 1) / grain));
  parallel_for(pool, blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    smallest[static_cast<std::size_t>(begin / grain)] =
        HWY_DYNAMIC_DISPATCH(absmax_range)(w, n, block, begin, end, absmax);
  });
  return *std::min_element(smallest.begin(), smallest.end());
}

void nf_pack(ThreadPool& pool, const NfFormat& format, const NfCodebook& book, const float* w, std::int64_t n,
             const float* target, float offset, const NfPackedOut& out) {
  encode(pool, {format, &book, w, n, target, offset, out, nullptr, false});
}

void nf_round_trip(ThreadPool& pool, const NfFormat& format, const NfCodebook& book, const float* w,
                   std::int64_t n, const float* target, float offset, float* q) {
  encode(pool, {format, &book, w, n, target, offset, {nullptr, nullptr, nullptr}, q, n >= kStreamElements});
}

}  // namespace lq::kernels
#endif
