// Products by several packed weights of one input, their low-rank parts folded in, in bf16 by cuBLAS. All
// pointers, those of views too, are memory of the queue's device; the work is queued. Builds without CUDA
// have the same symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/packed_view.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// A low-rank part beside a weight [out, in]: y += scaling (x A^T) B^T.
struct FoldedPart {
  const float* a = nullptr;  // [rank, in]
  const float* b = nullptr;  // [out, rank]
  std::int64_t rank = 0;
  float scaling = 1.0F;
  // It sees another input than x: forward is given u = (that input) A^T, and backward leaves it out.
  bool apart = false;
  const float* u = nullptr;  // [n, rank]
  float* da = nullptr;       // as a; null: not wanted
  float* db = nullptr;       // as b
};

inline constexpr int kMostFolded = 4;       // weights
inline constexpr int kMostFoldedParts = 2;  // of each
struct FoldedWeight {
  PackedView w;  // [out, in]
  FoldedPart parts[kMostFoldedParts];
  int count = 0;              // of parts
  float* y = nullptr;         // forward: [n, out]
  const float* dy = nullptr;  // backward: [n, out]
};

// Whether the queue multiplies so: on a card that has bf16, with cuBLAS, unless LQ_CUDA_FOLD=0 was said when
// it was opened.
bool folds(const DeviceQueue& queue);
// Whether these are worth it: more than one weight, or a low-rank part; all of them packed; none too small
// for cuBLAS.
bool folds(const FoldedWeight* weights, int count, std::int64_t n);

// y_i = x W_i^T + the low-rank parts.   x: [n, in]. Rounded to bf16: x, W, A, s B, and u = x A^T; f32 sums.
// Weights whose outputs are equally wide and lie one behind the other go in one product. The same bits in
// every run with the same neighbours. REQUIRES: both folds().
void folded_forward(DeviceQueue& queue, const FoldedWeight* weights, int count, std::int64_t n,
                    const float* x);
// dx = sum of dy_i W_i + the low-rank parts that see x (or +=; null: not wanted), in one product; their da
// and db += . Rounded to bf16: x, dy, W, A, s B, u, and du = s dy B.
void folded_backward(DeviceQueue& queue, const FoldedWeight* weights, int count, std::int64_t n,
                     const float* x, float* dx, bool accumulate);

}  // namespace lq::backends::cuda
