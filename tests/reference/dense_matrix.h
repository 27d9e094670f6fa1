// Plain loops in double over row-major matrices, to hold the fast code against.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace lq::reference {

struct Dense {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<double> v;
  Dense(std::int64_t m, std::int64_t n) : rows(m), cols(n), v(static_cast<std::size_t>(m * n), 0.0) {}
  template <typename T>
  Dense(std::int64_t m, std::int64_t n, const T* x) : rows(m), cols(n), v(x, x + m * n) {}
  double& at(std::int64_t i, std::int64_t j) { return v[static_cast<std::size_t>(i * cols + j)]; }
  double at(std::int64_t i, std::int64_t j) const { return v[static_cast<std::size_t>(i * cols + j)]; }
};

inline Dense product(const Dense& a, const Dense& b) {
  Dense c(a.rows, b.cols);
  for (std::int64_t i = 0; i < a.rows; ++i) {
    for (std::int64_t k = 0; k < a.cols; ++k) {
      for (std::int64_t j = 0; j < b.cols; ++j) c.at(i, j) += a.at(i, k) * b.at(k, j);
    }
  }
  return c;
}

inline Dense transpose(const Dense& a) {
  Dense t(a.cols, a.rows);
  for (std::int64_t i = 0; i < a.rows; ++i) {
    for (std::int64_t j = 0; j < a.cols; ++j) t.at(j, i) = a.at(i, j);
  }
  return t;
}

inline Dense difference(const Dense& a, const Dense& b) {
  Dense c = a;
  for (std::size_t i = 0; i < c.v.size(); ++i) c.v[i] -= b.v[i];
  return c;
}

inline double norm(const Dense& a) {
  double sum = 0.0;
  for (const double x : a.v) sum += x * x;
  return std::sqrt(sum);
}

// Largest |a^T a - I|.
inline double orthonormality_defect(const Dense& a) {
  const Dense g = product(transpose(a), a);
  double worst = 0.0;
  for (std::int64_t i = 0; i < g.rows; ++i) {
    for (std::int64_t j = 0; j < g.cols; ++j)
      worst = std::max(worst, std::abs(g.at(i, j) - (i == j ? 1.0 : 0.0)));
  }
  return worst;
}

inline std::vector<float> normal_matrix(std::int64_t m, std::int64_t n, std::uint64_t stream) {
  ThreadPool pool(1);
  std::vector<float> out(static_cast<std::size_t>(m * n));
  Rng(11, stream).fill_normal(pool, out.data(), m * n);
  return out;
}

// Normal entries with rows and columns of very different size, plus a strong part of the given rank: what
// weights look like, made hard.
inline std::vector<float> weight_like_matrix(std::int64_t m, std::int64_t n, std::int64_t strong,
                                             std::uint64_t stream) {
  const std::vector<float> noise = normal_matrix(m, n, stream);
  const std::vector<float> a = normal_matrix(m, strong, stream + 1000);
  const std::vector<float> b = normal_matrix(strong, n, stream + 2000);
  std::vector<float> out(noise.size());
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      float sum = noise[static_cast<std::size_t>(i * n + j)];
      for (std::int64_t k = 0; k < strong; ++k) {
        sum += a[static_cast<std::size_t>(i * strong + k)] * b[static_cast<std::size_t>(k * n + j)] /
               static_cast<float>(k + 1);
      }
      out[static_cast<std::size_t>(i * n + j)] =
          0.02F * sum * (1.0F + 0.5F * std::sin(static_cast<float>(3 * i + j)));
    }
  }
  return out;
}

}  // namespace lq::reference
