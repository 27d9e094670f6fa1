// Quantization: block scales, and codes either packed or turned straight back into values.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "backends/cpu/nf_codec.h"
#include "base/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/nf_encode.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "backends/cpu/nf_scales-inl.h"
#include "backends/cpu/nf_simd-inl.h"

#ifndef LQ_KERNELS_CPU_NF_ENCODE_ONCE_
#define LQ_KERNELS_CPU_NF_ENCODE_ONCE_
namespace lq::backends {

// A whole quantization; `codes` or `q` is null.
struct NfEncodeJob {
  NfScaleJob scales;
  const NfCodebook* book;
  const float* w;
  std::int64_t n;
  std::uint8_t* codes;
  float* q;
  bool stream;  // q bypasses the caches
};

}  // namespace lq::backends
#endif

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

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

// Codes of one group of 64 elements from a short last group: the padding's bits are zero.
template <int kBits>
void clear_padding(std::uint8_t* packed, std::int64_t valid) {
  for (std::int64_t e = valid; e < 64; ++e) {
    if constexpr (kBits == 8) {
      packed[e] = 0;
    } else if constexpr (kBits >= 4) {
      packed[e % 32] &= static_cast<std::uint8_t>(e < 32 ? 0xf0 : 0x0f);
      if constexpr (kBits == 5) packed[32 + e / 8] &= static_cast<std::uint8_t>(~(1U << (e % 8)));
      if constexpr (kBits == 6) packed[32 + e % 16] &= static_cast<std::uint8_t>(~(3U << (e / 16 * 2)));
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
    VF rounded;
    if constexpr (kBits > 4 && kLanes == 8) {
      rounded = search.nearest(x);
    } else {
      rounded = value(search(x));
    }
    const VF result = hn::Mul(rounded, hn::Set(d, scales[e >> block_shift]));
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
  const int block = job.scales.format.block;
  const int block_shift = block == 16 ? 4 : block == 32 ? 5 : 6;
  const std::int64_t begin = unit * kNfUnitBlocks * block;
  const std::int64_t end = std::min(job.n, begin + kNfUnitBlocks * block);
  alignas(64) float scales[kNfUnitBlocks];
  alignas(64) float divisors[kNfUnitBlocks];
  NfUnitScales asked;
  load_unit_scales(job.scales, unit, (job.n + block - 1) / block, asked);
  encode_unit_scales(job.scales, asked, scales);
  // w / infinity = 0: a block whose scale came out as zero gets the code of zero.
  for (std::int64_t j = 0; j < asked.padded; ++j) divisors[j] = scales[j] == 0.0F ? kFloatInf : scales[j];

  const std::int64_t whole = (end - begin) / 64;
  const int per_group = 64 >> block_shift;
  const float* w = job.w + begin;
  float* q = job.q == nullptr ? nullptr : job.q + begin;
  std::uint8_t* codes = job.codes == nullptr ? nullptr : job.codes + begin / 8 * kBits;
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
    switch (job.scales.format.bits) {
      case 2:
        encode_unit<2>(job, unit);
        break;
      case 3:
        encode_unit<3>(job, unit);
        break;
      case 4:
        encode_unit<4>(job, unit);
        break;
      case 5:
        encode_unit<5>(job, unit);
        break;
      case 6:
        encode_unit<6>(job, unit);
        break;
      default:
        encode_unit<8>(job, unit);
        break;
    }
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
namespace {

HWY_EXPORT(absmax_range);
HWY_EXPORT(encode_units);

// Outputs this large would only push other data out of the caches.
constexpr std::int64_t kStreamElements = std::int64_t{4} << 20;
constexpr std::int64_t kGrainElements = 1 << 15;

void encode(ThreadPool& pool, const NfEncodeJob& job) {
  const std::int64_t unit_elements = kNfUnitBlocks * job.scales.format.block;
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
             const NfScaleChoice& choice, const NfPackedOut& out) {
  const NfScaleJob scales{format, choice.target, choice.offset, choice.codes, out.scales, out.scales2};
  encode(pool, {scales, &book, w, n, out.codes, nullptr, false});
}

void nf_round_trip(ThreadPool& pool, const NfFormat& format, const NfCodebook& book, const float* w,
                   std::int64_t n, const NfScaleChoice& choice, float* q) {
  const NfScaleJob scales{format, choice.target, choice.offset, choice.codes, nullptr, nullptr};
  encode(pool, {scales, &book, w, n, nullptr, q, n >= kStreamElements});
}

}  // namespace lq::backends
#endif
