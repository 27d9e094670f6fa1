// Products and decoding of weights of any layout on a CUDA device. All pointers, those of views too, are
// memory of the queue's device; the work is queued. Builds without CUDA have the same symbols
// (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/cuda/product_tile.h"
#include "backends/packed_view.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// c = alpha op(a) op(b) + beta c. REQUIRES: b is [k, n] or, with trans_b, [n, k]; c overlaps neither. The
// same bits in every run on one card with one version of cuBLAS. In the product's precision at the coarsest:
// small ones, and all where there is no cuBLAS, are in f32; so is bf16 on cards that have none.
void multiply(DeviceQueue& queue, const Product& product);

// One product of a few rows: y = alpha x w^T, or y += it.   x: [rows, w.cols], y: [rows, w.rows].
struct FewProduct {
  PackedView w;
  const float* x = nullptr;
  float* y = nullptr;
  float alpha = 1.0F;
  bool accumulate = false;
};

// Several of them, straight from the stored forms, in as few launches as their layouts allow (those of one x
// with one kind of code in one). coarse: codes of 2, 3, 4 and 8 bits, and trellis codes, may be multiplied in
// half precision with f32 sums, off by 2^-10 of |w| |x| at most; else, and for other layouts, in f32. The
// same bits in every run, and whatever is computed together. REQUIRES: no y overlaps another, or an x; rows
// <= kMostFewRows.
inline constexpr std::int64_t kMostFewRows = 8;
inline constexpr int kMostFewProducts = 4;
void few_rows(DeviceQueue& queue, const FewProduct* products, int count, std::int64_t rows, bool coarse);

// out[i] = element begin + i of w flattened row-major, for i < count: the bits of backends/cpu. REQUIRES: the
// run lies in the matrix.
void packed_decode(DeviceQueue& queue, const PackedView& w, std::int64_t begin, std::int64_t count,
                   float* out);

}  // namespace lq::backends::cuda
