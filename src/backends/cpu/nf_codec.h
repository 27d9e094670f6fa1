// NormalFloat quantization on the CPU: SIMD versions, chosen at run time, of the codec that
// quant/codebook/codebook_reference.h defines; equal to it bit for bit on every target. The matrix is n =
// rows * cols values flattened row-major. Work is cut at multiples of 256 blocks, so the parts need no
// synchronization and the result does not depend on the number of threads.
#pragma once

#include <cstdint>

#include "backends/nf_view.h"
#include "base/parallel.h"

namespace lq::backends {

// Blocks that are quantized together: whole second-level groups and whole packed groups of scales.
inline constexpr std::int64_t kNfUnitBlocks = 256;

// absmax[j] = largest |w| of block j, for j < ceil(n / block). Returns the smallest of them: the offset.
// REQUIRES: n >= 1, w finite.
float nf_block_absmax(ThreadPool& pool, const float* w, std::int64_t n, int block, float* absmax);

// Where the parts of a packed matrix go; sizes as in NfView.
struct NfPackedOut {
  std::uint8_t* codes;
  std::uint8_t* scales;
  void* scales2;
};

// The first-level scales that a quantization asks for.
struct NfScaleChoice {
  const float* target;  // [blocks], finite, not negative: the scale each block would like
  float offset;         // the smallest of them
  // [blocks] first-level codes below 2^scale_bits, or null: those nearest to target. The second-level scales
  // always come from target.
  const std::uint8_t* codes = nullptr;
};

// Packs w. REQUIRES: n >= 1, w finite.
void nf_pack(ThreadPool& pool, const NfFormat& format, const NfCodebook& book, const float* w, std::int64_t n,
             const NfScaleChoice& scales, const NfPackedOut& out);

// q[i] = the value that w[i] comes back as from nf_pack and nf_dequantize, without packing. q == w is
// allowed.
void nf_round_trip(ThreadPool& pool, const NfFormat& format, const NfCodebook& book, const float* w,
                   std::int64_t n, const NfScaleChoice& scales, float* q);

// out[i] = element begin + i, for i < count, in this thread. Reads nothing outside the parts, whatever their
// bytes. REQUIRES: 0 <= begin, begin + count <= rows * cols.
void nf_dequantize(const NfView& view, std::int64_t begin, std::int64_t count, float* out);

// out[rows * cols] = the whole matrix. Large outputs bypass the caches.
void nf_dequantize(ThreadPool& pool, const NfView& view, float* out);

}  // namespace lq::backends
