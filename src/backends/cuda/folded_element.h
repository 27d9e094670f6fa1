// Where the parts of a folded product lie (folded.cu): weights W_i of one input decoded one below the other,
// their low-rank factors A below them and B, with its scale, in the last columns. What a CUDA thread writes
// is one function here.
//
//            cols       rank
//        [  W_0     | s B_0    0   ]  outputs of weight 0
//        [  W_1     |   0    s B_1 ]  outputs of weight 1
//        [  A_0     |              ]  rank 0
//        [  A_1     |              ]  rank 1
//
// With u_i = x A_i^T and du_i = s dy_i B_i,  y_i = [x u] [W_i, B]^T  and  dx = [dy du] [W; A].
#pragma once

#include <cstdint>

#include "backends/cuda/decoded_ring.h"
#include "backends/cuda/half_element.h"
#include "backends/cuda/host_device.h"

namespace lq::backends::cuda {

inline constexpr int kFoldRun = 8;  // elements that a thread writes: 16 bytes

LQ_HOST_DEVICE constexpr std::int64_t padded_to_run(std::int64_t n) {
  return (n + kFoldRun - 1) / kFoldRun * kFoldRun;
}

// Of the matrix above. Rows begin on multiples of 16 bytes where there is a low-rank part; else it is as
// decode_bf16 writes it without gaps.
struct FoldedLayout {
  std::int64_t rows = 0;  // outputs of all weights
  std::int64_t cols = 0;  // inputs
  std::int64_t rank = 0;  // of all low-rank parts

  LQ_HOST_DEVICE constexpr std::int64_t stride() const {
    return rank == 0 ? cols : padded_to_run(cols + rank);
  }
  LQ_HOST_DEVICE constexpr std::int64_t elements() const { return (rows + rank) * stride(); }
  // As the ring of decoded weights counts them.
  std::int64_t bytes() const {
    constexpr auto kAlign = static_cast<std::int64_t>(DecodedRing::kAlign);
    return (2 * elements() + kAlign - 1) / kAlign * kAlign;
  }
};

// i / n and i % n, in 32 bits where they suffice: a 64-bit division takes longer than 16 bytes do.
LQ_HOST_DEVICE inline std::int64_t quotient_of(std::int64_t i, std::int64_t n) {
  if ((i >> 32) == 0 && (n >> 32) == 0) return static_cast<std::uint32_t>(i) / static_cast<std::uint32_t>(n);
  return i / n;
}

// A matrix [rows, cols] whose element i of the flattened form lies in rows of `stride`.
struct StridedRows {
  std::int64_t cols = 0, stride = 0;

  LQ_HOST_DEVICE std::int64_t gap(std::int64_t row) const { return row * (stride - cols); }
  LQ_HOST_DEVICE std::int64_t place(std::int64_t i) const {
    return stride == cols ? i : i + gap(quotient_of(i, cols));
  }
  // Whether 8 elements from a multiple of 8 on lie together, and begin on a multiple of 8 again.
  LQ_HOST_DEVICE bool keeps_runs() const {
    return stride == cols || (cols % kFoldRun == 0 && stride % kFoldRun == 0);
  }
};

// Runs of 8 columns of a matrix's rows.
struct RunOfRow {
  std::int64_t row, col;
  int count;
};
LQ_HOST_DEVICE inline std::int64_t runs_of(std::int64_t rows, std::int64_t cols) {
  return rows * ((cols + kFoldRun - 1) / kFoldRun);
}
LQ_HOST_DEVICE inline RunOfRow run_of_row(std::int64_t i, std::int64_t cols) {
  const std::int64_t each = (cols + kFoldRun - 1) / kFoldRun;
  const std::int64_t row = quotient_of(i, each);
  const std::int64_t col = (i - row * each) * kFoldRun;
  return {row, col, static_cast<int>(cols - col < kFoldRun ? cols - col : kFoldRun)};
}

// One factor of a low-rank part, [rows, cols] f32, in the matrix above.
struct FactorPlace {
  const float* values = nullptr;
  std::int64_t rows = 0, cols = 0;
  std::int64_t row = 0, col = 0;  // of its first element; B's columns count from the first behind W
  float scale = 1.0F;
};
inline constexpr int kMostFactors = 8;
struct FactorPlaces {
  FactorPlace of[kMostFactors];
  int count = 0;
};

// The element of a block of factors at (row, col): that of the factor which covers it, else 0.
LQ_HOST_DEVICE inline float factor_at(const FactorPlaces& all, std::int64_t row, std::int64_t col) {
  for (int f = 0; f < all.count; ++f) {
    const FactorPlace& p = all.of[f];
    const std::int64_t i = row - p.row;
    const std::int64_t j = col - p.col;
    if (i >= 0 && i < p.rows && j >= 0 && j < p.cols) return p.scale * p.values[i * p.cols + j];
  }
  return 0.0F;
}

// Factors, rounded to bf16, in a block of `cols` columns; out: its first element.
struct WriteFactors {
  FactorPlaces factors;
  std::int64_t cols, stride;
  std::uint16_t* out;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const RunOfRow run = run_of_row(i, cols);
    std::uint16_t* const to = out + run.row * stride + run.col;
    for (int e = 0; e < run.count; ++e) to[e] = bf16_of_float(factor_at(factors, run.row, run.col + e));
  }
};

}  // namespace lq::backends::cuda
