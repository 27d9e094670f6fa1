#include "decompose/balance_factors.h"

#include <cmath>

#include "base/error.h"

namespace lq {

void balance_factors(Tensor& l1, Tensor& l2) {
  const std::int64_t rows = l1.shape()[0];
  const std::int64_t rank = l1.shape()[1];
  const std::int64_t cols = l2.shape()[1];
  LQ_ASSERT(l2.shape()[0] == rank);
  float* const a = l1.mutable_data<float>();
  float* const b = l2.mutable_data<float>();
  for (std::int64_t k = 0; k < rank; ++k) {
    double column = 0.0, row = 0.0;  // squared norms
    for (std::int64_t i = 0; i < rows; ++i) column += static_cast<double>(a[i * rank + k]) * a[i * rank + k];
    for (std::int64_t j = 0; j < cols; ++j) row += static_cast<double>(b[k * cols + j]) * b[k * cols + j];
    if (!(column > 0.0 && row > 0.0)) continue;
    const int power = static_cast<int>(std::lround(std::log2(row / column) / 4.0));
    for (std::int64_t i = 0; i < rows; ++i) a[i * rank + k] = std::ldexp(a[i * rank + k], power);
    for (std::int64_t j = 0; j < cols; ++j) b[k * cols + j] = std::ldexp(b[k * cols + j], -power);
  }
}

}  // namespace lq
