// Quantization to codes of a codebook, as CUDA threads share it (quantize.cu): the arithmetic of
// quant/codebook/codebook_reference.h and of backends/cpu/nf_search.cc in the same order, one IEEE rounding
// per operation, so that scales and codes are the processor's for the same matrix, bit for bit. Compile
// without fused multiply-add.
#pragma once

#include <cstdint>

#include "backends/cuda/half_element.h"
#include "backends/cuda/host_device.h"
#include "backends/nf_view.h"

namespace lq::backends::cuda {

inline constexpr int kUnitBlocks = 256;  // blocks whose scales a block of threads makes: whole groups
inline constexpr int kMaxRun = 4;        // elements of which a thread takes the largest
inline constexpr float kLargestFloat = 3.402823466e+38F;

// A codebook as threads hold it.
struct SharedBook {
  float values[256];
  float midpoints[256];
};

// The number of midpoints below x; 0 for NaN.
LQ_HOST_DEVICE inline int nearest_code(const SharedBook& book, int bits, float x) {
  int code = 0;
  for (int half = 1 << (bits - 1); half > 0; half /= 2) {
    if (x > book.midpoints[code + half - 1]) code += half;
  }
  return code;
}

// The value that w comes back as under a restored scale; a scale of zero gives the code of zero.
LQ_HOST_DEVICE inline float rounded_value(const SharedBook& book, int bits, float w, float scale) {
  const float x = scale == 0.0F ? 0.0F : w / scale;
  return book.values[nearest_code(book, bits, x)] * scale;
}

// The largest magnitude of elements [begin, begin + kMaxRun) of w, of which those below n exist.
LQ_HOST_DEVICE inline float largest_of_run(const float* w, std::int64_t begin, std::int64_t n) {
  float largest = 0.0F;
  for (int e = 0; e < kMaxRun && begin + e < n; ++e) {
    const float magnitude = w[begin + e] < 0.0F ? -w[begin + e] : w[begin + e];
    if (largest < magnitude) largest = magnitude;
  }
  return largest;
}

// x >= 0, finite, as a second-level scale comes back: at most the largest finite value of its type.
LQ_HOST_DEVICE inline float stored_scale2(float x, ScaleDType type) {
  if (type == ScaleDType::kFp32) return x;
  if (type == ScaleDType::kBf16) {
    const std::uint32_t bits = bf16_of_float(x);
    return float_of_bf16(bits < 0x7f7fU ? bits : 0x7f7fU);
  }
  const std::uint32_t bits = half_of_float(x);
  return float_of_half(bits < 0x7bffU ? bits : 0x7bffU);
}

// The first-level code nearest to what a block asks for; 0 in a group without a range.
LQ_HOST_DEVICE inline int nearest_scale_code(float target, float offset, float scale2, int scale_bits) {
  if (scale2 == 0.0F) return 0;
  const auto levels = static_cast<float>((1 << scale_bits) - 1);
  const float scaled = (target - offset) / scale2 * levels;
  const float bounded = scaled < levels ? scaled : levels;
  constexpr float kWhole = 0x1p23F;  // adding it rounds to a whole number, to even
  return static_cast<int>((bounded + kWhole) - kWhole);
}

LQ_HOST_DEVICE inline float scale_of_code(int code, float offset, float scale2, int scale_bits) {
  const float step = scale2 / static_cast<float>((1 << scale_bits) - 1);
  const float product = static_cast<float>(code) * step;
  const float sum = offset + product;
  return sum < kLargestFloat ? sum : kLargestFloat;
}

// --- scales of least squared error ---

// A matrix [n / cols, cols] and what the squared error of element (i, j) counts: rows[i] * cols[j]; null:
// ones; both null: |w|.
struct ScaleSearch {
  NfFormat format;
  std::int64_t n = 0;
  std::int64_t row_length = 0;
  const float* w = nullptr;
  const float* row_weights = nullptr;
  const float* col_weights = nullptr;
};

// One block: its elements and what they count, up to a factor.
struct SearchedBlock {
  float w[64];
  float h[64];
  int count;
  float largest;  // magnitude
};

LQ_HOST_DEVICE inline void load_searched(const ScaleSearch& s, std::int64_t block, SearchedBlock& b) {
  const std::int64_t begin = block * s.format.block;
  b.count = static_cast<int>(s.n - begin < s.format.block ? s.n - begin : s.format.block);
  b.largest = 0.0F;
  for (int e = 0; e < b.count; ++e) {
    b.w[e] = s.w[begin + e];
    const float magnitude = b.w[e] < 0.0F ? -b.w[e] : b.w[e];
    if (b.largest < magnitude) b.largest = magnitude;
  }
  if (s.row_weights == nullptr && s.col_weights == nullptr) {
    const float unit = b.largest < 0x1p-126F ? 0x1p-126F : b.largest;
    for (int e = 0; e < b.count; ++e) b.h[e] = (b.w[e] < 0.0F ? -b.w[e] : b.w[e]) / unit;
    return;
  }
  std::int64_t row = begin / s.row_length;
  std::int64_t col = begin - row * s.row_length;
  // A row's weight counts in blocks that cross rows only.
  const bool crosses = col + b.count > s.row_length;
  for (int e = 0; e < b.count; ++e) {
    const float by_row = crosses && s.row_weights != nullptr ? s.row_weights[row] : 1.0F;
    b.h[e] = s.col_weights == nullptr ? by_row : crosses ? by_row * s.col_weights[col] : s.col_weights[col];
    if (++col == s.row_length) {
      col = 0;
      ++row;
    }
  }
}

// Codes the block at `scale` and keeps in `best` the scale that suits these codes best, where it is the best
// so far.
LQ_HOST_DEVICE inline void try_scale(const SharedBook& book, int bits, const SearchedBlock& b, float scale,
                                     float& best_gain, float& best) {
  const float inverse = 1.0F / scale;
  float along = 0.0F;
  float square = 0.0F;
  for (int e = 0; e < b.count; ++e) {
    const float v = book.values[nearest_code(book, bits, b.w[e] * inverse)];
    along = along + b.w[e] * b.h[e] * v;
    square = square + b.h[e] * v * v;
  }
  const float fitted = along / square;
  const float gain = along * fitted;
  // False for the NaN of a block without values or weights.
  if (fitted > 0.0F && fitted <= kLargestFloat && gain > best_gain) {
    best_gain = gain;
    best = fitted;
  }
}

// Scales tried, as in backends/cpu/nf_search.cc.
LQ_HOST_DEVICE constexpr float search_shrink(int bits) {
  return bits == 2   ? 0.87F
         : bits == 3 ? 0.92F
         : bits == 4 ? 0.94F
         : bits == 5 ? 0.96F
         : bits == 6 ? 0.975F
                     : 0.99F;
}
LQ_HOST_DEVICE constexpr int search_trials(int bits) {
  return bits == 2 ? 12 : bits == 3 ? 10 : bits <= 6 ? 8 : 6;
}
inline constexpr int kSearchRefinements = 2;

// The scale that the block asks for.
LQ_HOST_DEVICE inline float searched_target(const ScaleSearch& s, const SharedBook& book,
                                            std::int64_t block) {
  const int bits = s.format.bits;
  SearchedBlock b;
  load_searched(s, block, b);
  float best = b.largest;
  float best_gain = 0.0F;
  float scale = b.largest / search_shrink(bits);
  if (kLargestFloat < scale) scale = kLargestFloat;
  for (int trial = 0; trial < search_trials(bits); ++trial) {
    try_scale(book, bits, b, scale, best_gain, best);
    scale = scale * search_shrink(bits);
  }
  for (int i = 0; i < kSearchRefinements; ++i) try_scale(book, bits, b, best, best_gain, best);
  return best;
}

LQ_HOST_DEVICE inline float error_under(const SharedBook& book, int bits, const SearchedBlock& b,
                                        float scale) {
  const float inverse = 1.0F / (scale < 1e-37F ? 1e-37F : scale);
  float sum = 0.0F;
  for (int e = 0; e < b.count; ++e) {
    const float r = b.w[e] - book.values[nearest_code(book, bits, b.w[e] * inverse)] * scale;
    sum = sum + b.h[e] * r * r;
  }
  return sum;
}

// The restored scale under which the block errs least, among those near what it asks for.
LQ_HOST_DEVICE inline float searched_scale(const ScaleSearch& s, const SharedBook& book, std::int64_t block,
                                           float target, float offset, float scale2) {
  const int scale_bits = s.format.scale_bits;
  const int last = (1 << scale_bits) - 1;
  SearchedBlock b;
  load_searched(s, block, b);
  const int nearest = nearest_scale_code(target, offset, scale2, scale_bits);
  float best = scale_of_code(nearest, offset, scale2, scale_bits);
  float best_error = error_under(book, s.format.bits, b, best);
  const int reach = scale_bits == 2 ? 2 : 1;
  for (int away = -reach; away <= reach; ++away) {
    if (away == 0) continue;
    const int moved = nearest + away;
    const int code = moved < 0 ? 0 : moved < last ? moved : last;
    const float scale = scale_of_code(code, offset, scale2, scale_bits);
    const float error = error_under(book, s.format.bits, b, scale);
    if (error < best_error) {
      best_error = error;
      best = scale;
    }
  }
  return best;
}

// --- what is left of a matrix ---

// out = row_scale[i] * col_scale[j] * (w - q); q: the values, or (scales not null) what is rounded to them.
struct ResidualElements {
  std::int64_t n = 0;
  std::int64_t cols = 0;
  const float* w = nullptr;
  const float* q = nullptr;       // null: zero
  const float* scales = nullptr;  // a block's, restored
  int bits = 0;
  int block = 1;
  const float* row_scale = nullptr;  // null: ones
  const float* col_scale = nullptr;
  float* out = nullptr;  // may be q; null: the sums alone
};

struct ResidualSums {
  double squared = 0.0;   // of w - q
  double weighted = 0.0;  // of out
};

inline constexpr int kResidualThreads = 256;
inline constexpr int kResidualTile = 1024;  // elements of a block of threads at a time

// The thread's elements of the tile that begins at `begin`.
LQ_HOST_DEVICE inline void residual_of_thread(const ResidualElements& r, const SharedBook& book,
                                              std::int64_t begin, int thread, ResidualSums& sums) {
  for (int k = thread; k < kResidualTile; k += kResidualThreads) {
    const std::int64_t i = begin + k;
    if (i >= r.n) return;
    float e = r.w[i];
    if (r.q != nullptr)
      e = e - (r.scales == nullptr ? r.q[i] : rounded_value(book, r.bits, r.q[i], r.scales[i / r.block]));
    sums.squared += static_cast<double>(e) * static_cast<double>(e);
    if (r.row_scale != nullptr || r.col_scale != nullptr) {
      const float by_row = r.row_scale == nullptr ? 1.0F : r.row_scale[i / r.cols];
      const float by_col = r.col_scale == nullptr ? 1.0F : r.col_scale[i % r.cols];
      e = e * (by_row * by_col);
    }
    sums.weighted += static_cast<double>(e) * static_cast<double>(e);
    if (r.out != nullptr) r.out[i] = e;
  }
}

// The thread's elements of a tile, of the sum over x[i] y[i].
LQ_HOST_DEVICE inline void products_of_thread(std::int64_t n, const float* x, const float* y,
                                              std::int64_t begin, int thread, double& sum) {
  for (int k = thread; k < kResidualTile && begin + k < n; k += kResidualThreads)
    sum += static_cast<double>(x[begin + k]) * static_cast<double>(y[begin + k]);
}

}  // namespace lq::backends::cuda
