// Factorizations of matrices of at most a few hundred rows, in double: Eigen underneath, one thread.
// Row-major.
#pragma once

#include <cstdint>
#include <vector>

namespace lq {

struct SymmetricEigen {
  std::vector<double> values;   // [n], descending
  std::vector<double> vectors;  // [n, n]; column i belongs to values[i]
};
// a: [n, n]; only its lower triangle is read. REQUIRES: finite.
SymmetricEigen symmetric_eigen(std::int64_t n, const double* a);

struct Svd {
  std::vector<double> u;   // [m, k], orthonormal columns, k = min(m, n)
  std::vector<double> s;   // [k], descending
  std::vector<double> vt;  // [k, n], orthonormal rows
};
// a: [m, n]. REQUIRES: finite.
Svd svd(std::int64_t m, std::int64_t n, const double* a);

// a[n, n] = its lower Cholesky factor, the upper triangle zeroed; false (a then is undefined) unless positive
// definite.
bool cholesky_in_place(std::int64_t n, double* a);
// l[n, n], lower triangular, becomes its inverse. REQUIRES: nonzero diagonal.
void invert_lower_in_place(std::int64_t n, double* l);

// y[m, k], k <= m, becomes an orthonormal basis whose span holds that of its columns, by Householder
// reflections in double; any rank, zero included.
void householder_orthonormalize(std::int64_t m, std::int64_t k, float* y);

}  // namespace lq
