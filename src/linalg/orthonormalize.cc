#include "linalg/orthonormalize.h"

#include <cmath>

#include "backends/cpu/gemm.h"
#include "linalg/small_dense.h"

namespace lq {
namespace {

// The second round turns an error of size e into one of size e^2; above this the first round has failed.
constexpr double kLargestDefect = 1e-2;

// gram[k, k] = y^T y.
std::vector<double> gram_matrix(ThreadPool& pool, std::int64_t m, std::int64_t k, const float* y) {
  std::vector<float> gram(static_cast<std::size_t>(k * k));
  backends::gemm(pool, k, k, m, y, k, y, k, gram.data(), k, {.trans_a = true});
  return {gram.begin(), gram.end()};
}

// y becomes y L^-T, where L L^T = gram; false (and y as it was) unless gram is safely positive definite.
bool divide_by_cholesky(ThreadPool& pool, std::int64_t m, std::int64_t k, std::vector<float>& y,
                        std::vector<double>& gram, std::vector<float>& work) {
  const std::vector<float> inverse = cholesky_divisor(k, gram);
  if (inverse.empty()) return false;
  work.resize(static_cast<std::size_t>(m * k));
  backends::gemm(pool, m, k, k, y.data(), k, inverse.data(), k, work.data(), k);
  y.swap(work);
  return true;
}

// Largest |gram - I|.
double defect(std::int64_t k, const std::vector<double>& gram) {
  double worst = 0.0;
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j < k; ++j) {
      const double off = std::abs(gram[static_cast<std::size_t>(i * k + j)] - (i == j ? 1.0 : 0.0));
      worst = off > worst || std::isnan(off) ? off : worst;
    }
  }
  return worst;
}

}  // namespace

std::vector<float> cholesky_divisor(std::int64_t k, std::vector<double>& gram) {
  // Columns are brought to unit length first, so that only their angles matter.
  std::vector<double> scale(static_cast<std::size_t>(k));
  for (std::int64_t i = 0; i < k; ++i) {
    const double square = gram[static_cast<std::size_t>(i * k + i)];
    if (!(square > 1e-30) || !std::isfinite(square)) return {};
    scale[static_cast<std::size_t>(i)] = 1.0 / std::sqrt(square);
  }
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j < k; ++j) {
      gram[static_cast<std::size_t>(i * k + j)] *=
          scale[static_cast<std::size_t>(i)] * scale[static_cast<std::size_t>(j)];
    }
  }
  if (!cholesky_in_place(k, gram.data())) return {};
  invert_lower_in_place(k, gram.data());
  std::vector<float> inverse(static_cast<std::size_t>(k * k));  // D L^-T, upper triangular
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j < k; ++j) {
      inverse[static_cast<std::size_t>(i * k + j)] =
          static_cast<float>(scale[static_cast<std::size_t>(i)] * gram[static_cast<std::size_t>(j * k + i)]);
    }
  }
  return inverse;
}

bool nearly_orthonormal(std::int64_t k, const std::vector<double>& gram) {
  return defect(k, gram) <= kLargestDefect;
}

void orthonormalize(ThreadPool& pool, std::int64_t m, std::int64_t k, std::vector<float>& y,
                    std::vector<float>& work) {
  if (k <= 0) return;
  std::vector<double> gram = gram_matrix(pool, m, k, y.data());
  if (divide_by_cholesky(pool, m, k, y, gram, work)) {
    gram = gram_matrix(pool, m, k, y.data());
    if (nearly_orthonormal(k, gram) && divide_by_cholesky(pool, m, k, y, gram, work)) return;
  }
  // y still spans its first columns (the first round is a triangular change of basis).
  householder_orthonormalize(m, k, y.data());
}

}  // namespace lq
