// How far a product of few rows in half precision may be from the sum in double (backends/cuda/few_rows.cu,
// tile_rows.cu).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace lq::backends {

struct FewRowsBound {
  double sum, bound;
};

// Of one row of w and one of x. Rounding to half precision, each 2^-11 of its value, `roundings` times: x and
// the codebook; of short blocks the share of the scale and the product with it too. What lies below half
// precision's smallest is lost of x: 2^-33 of the row's largest. f32 sums and the scale on top.
inline FewRowsBound few_rows_bound(const float* w, const float* x, std::int64_t cols, double roundings) {
  double sum = 0.0, sizes = 0.0, weights = 0.0, largest = 0.0;
  for (std::int64_t k = 0; k < cols; ++k) {
    const double term = double{w[k]} * x[k];
    sum += term;
    sizes += std::abs(term);
    weights += std::abs(double{w[k]});
    largest = std::max(largest, std::abs(double{x[k]}));
  }
  return {sum, (roundings * 1.01 * 0x1p-11 + static_cast<double>(cols + 12) * 0x1p-24) * sizes +
                   0x1p-32 * largest * weights + 1e-30};
}

}  // namespace lq::backends
