// Error feedback in plain loops and double, written from the papers' formulas.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>

#include "reference/dense_matrix.h"

namespace lq::reference {

// Inverse of a symmetric positive definite matrix by Gauss-Jordan elimination.
inline Dense inverse(Dense a) {
  const std::int64_t n = a.rows;
  Dense out(n, n);
  for (std::int64_t i = 0; i < n; ++i) out.at(i, i) = 1.0;
  for (std::int64_t k = 0; k < n; ++k) {
    const double pivot = a.at(k, k);
    for (std::int64_t j = 0; j < n; ++j) {
      a.at(k, j) /= pivot;
      out.at(k, j) /= pivot;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const double factor = a.at(i, k);
      if (i == k || factor == 0.0) continue;
      for (std::int64_t j = 0; j < n; ++j) {
        a.at(i, j) -= factor * a.at(k, j);
        out.at(i, j) -= factor * out.at(k, j);
      }
    }
  }
  return out;
}

// Lower L with a = L L^T.
inline Dense cholesky(const Dense& a) {
  Dense l(a.rows, a.rows);
  for (std::int64_t i = 0; i < a.rows; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) {
      double sum = a.at(i, j);
      for (std::int64_t k = 0; k < j; ++k) sum -= l.at(i, k) * l.at(j, k);
      l.at(i, j) = i == j ? std::sqrt(sum) : sum / l.at(j, j);
    }
  }
  return l;
}

// The value that element (i, j) is rounded to when its target is x.
using Rounding = std::function<double(std::int64_t i, std::int64_t j, double x)>;
// Called with the weights as they stand when column j, the first of a group of 128, is reached.
using OnGroup = std::function<void(std::int64_t j, const Dense& w)>;

// GPTQ: Frantar et al., arXiv 2210.17323, algorithm 1 (its lazy blocks left out: they change the order of
// sums only). h: [cols, cols], damped.
inline Dense gptq(Dense w, const Dense& h, const Rounding& round, const OnGroup& on_group) {
  const Dense u = transpose(cholesky(inverse(h)));  // "Cholesky(H^-1)^T", upper
  Dense q(w.rows, w.cols);
  for (std::int64_t j = 0; j < w.cols; ++j) {
    if (j % 128 == 0) on_group(j, w);
    for (std::int64_t i = 0; i < w.rows; ++i) {
      q.at(i, j) = round(i, j, w.at(i, j));
      const double error = (w.at(i, j) - q.at(i, j)) / u.at(j, j);
      for (std::int64_t k = j; k < w.cols; ++k) w.at(i, k) -= error * u.at(j, k);
    }
  }
  return q;
}

// What element (i, j) must be rounded from, given the errors e of all elements before it (below it, and to
// its right): the value at which ||T^T E S||^2 is least over e(i, j) alone when rows above and columns to
// the left are still free, that is (T^T E S)(i, j) = 0. t, s: lower triangular.
inline double two_sided_target(const Dense& w, const Dense& e, const Dense& t, const Dense& s, std::int64_t i,
                               std::int64_t j) {
  double sum = 0.0;
  for (std::int64_t k = i; k < w.rows; ++k) {
    for (std::int64_t l = j; l < w.cols; ++l) {
      if (k != i || l != j) sum += t.at(k, i) * e.at(k, l) * s.at(l, j);
    }
  }
  return w.at(i, j) + sum / (t.at(i, i) * s.at(j, j));
}

}  // namespace lq::reference
