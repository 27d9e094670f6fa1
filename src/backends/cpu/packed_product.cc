#include "backends/cpu/packed_product.h"

#include <cstddef>
#include <cstring>

#include "backends/cpu/nf_codec.h"
#include "backends/cpu/nf_gemv.h"
#include "backends/cpu/packed_layouts.h"
#include "backends/cpu/transformer_elementwise.h"
#include "backends/cpu/transformer_gemv.h"
#include "base/error.h"

namespace lq::backends {
namespace {

constexpr std::int64_t kDecodeGrain = 65536;

void dense_decode(const PackedView& w, std::int64_t begin, std::int64_t count, float* out) {
  const auto* from = static_cast<const std::byte*>(w.dense.data);
  switch (w.dense.type) {
    case DenseType::kF32:
      std::memcpy(out, from + 4 * begin, static_cast<std::size_t>(4 * count));
      return;
    case DenseType::kBf16:
      return widen_bf16(count, from + 2 * begin, out);
    case DenseType::kF16:
      return widen_f16(count, from + 2 * begin, out);
  }
}

void dense_few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t count, float* y,
               float* /*scratch*/, bool /*coarse*/) {
  dense_gemv(pool, w.dense.type, w.dense.data, w.rows, w.cols, x, count, y);
}

void codebook_decode(const PackedView& w, std::int64_t begin, std::int64_t count, float* out) {
  nf_dequantize(w.codebook, begin, count, out);
}

void codebook_decode_all(ThreadPool& pool, const PackedView& w, float* out) {
  nf_dequantize(pool, w.codebook, out);
}

void codebook_few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t count, float* y,
                  float* scratch, bool coarse) {
  nf_gemv(pool, w.codebook, x, count, y, scratch, coarse ? w.codebook.gemv_levels : nullptr);
}

std::int64_t codebook_few_scratch(const PackedView& w, std::int64_t count) {
  return nf_gemv_scratch(w.codebook, count);
}

// Where W already lies in memory as aligned f32, else null.
const float* as_f32(const PackedView& w) {
  const bool plain = w.layout == PackedLayout::kDense && w.dense.type == DenseType::kF32;
  const bool aligned = reinterpret_cast<std::uintptr_t>(w.dense.data) % alignof(float) == 0;
  return plain && aligned ? static_cast<const float*>(w.dense.data) : nullptr;
}

GemmRows rows_of(ThreadPool& pool, const PackedView& w) {
  return [&pool, &w](std::int64_t begin, std::int64_t count, float* out) {
    packed_decode(pool, w, begin * w.cols, count * w.cols, out);
  };
}

}  // namespace

const PackedLayoutOps kDenseOps = {dense_decode, nullptr, dense_few, nullptr};
const PackedLayoutOps kCodebookOps = {codebook_decode, codebook_decode_all, codebook_few,
                                      codebook_few_scratch};

const PackedLayoutOps& packed_layout_ops(PackedLayout layout) {
  switch (layout) {
    case PackedLayout::kDense:
      return kDenseOps;
    case PackedLayout::kCodebook:
      return kCodebookOps;
    case PackedLayout::kIntRow:
      return kIntRowOps;
    case PackedLayout::kTrellis:
      return kTrellisOps;
    case PackedLayout::kStored:
      return kStoredOps;
    case PackedLayout::kTiles:
      break;  // of other devices
  }
  fail(ErrorCode::kInternal, "packed layout {} is unknown to the CPU", static_cast<int>(layout));
}

void packed_decode(ThreadPool& pool, const PackedView& w, std::int64_t begin, std::int64_t count,
                   float* out) {
  const auto decode = packed_layout_ops(w.layout).decode;
  parallel_for(pool, count, kDecodeGrain,
               [&](std::int64_t at, std::int64_t end) { decode(w, begin + at, end - at, out + at); });
}

void packed_decode(ThreadPool& pool, const PackedView& w, float* out) {
  const PackedLayoutOps& ops = packed_layout_ops(w.layout);
  if (ops.decode_all != nullptr) return ops.decode_all(pool, w, out);
  packed_decode(pool, w, 0, w.rows * w.cols, out);
}

void packed_forward(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t n, float* y,
                    GemmPrecision precision) {
  const GemmOptions options{.trans_b = true, .precision = precision};
  if (const float* dense = as_f32(w)) {
    return gemm(pool, n, w.rows, w.cols, x, w.cols, dense, w.cols, y, w.rows, options);
  }
  gemm_rows(pool, n, w.rows, w.cols, x, w.cols, rows_of(pool, w), y, w.rows, options);
}

void packed_backward(ThreadPool& pool, const PackedView& w, const float* dy, std::int64_t n, float* dx,
                     float beta, GemmPrecision precision) {
  const GemmOptions options{.beta = beta, .precision = precision};
  if (const float* dense = as_f32(w)) {
    return gemm(pool, n, w.cols, w.rows, dy, w.rows, dense, w.cols, dx, w.cols, options);
  }
  gemm_rows(pool, n, w.cols, w.rows, dy, w.rows, rows_of(pool, w), dx, w.cols, options);
}

bool packed_has_few(const PackedView& w) { return packed_layout_ops(w.layout).few != nullptr; }

std::int64_t packed_few_scratch(const PackedView& w, std::int64_t n) {
  const auto scratch = packed_layout_ops(w.layout).few_scratch;
  return scratch == nullptr ? 0 : scratch(w, n);
}

void packed_few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t n, float* y,
                float* scratch, bool coarse) {
  packed_layout_ops(w.layout).few(pool, w, x, n, y, scratch, coarse);
}

}  // namespace lq::backends
