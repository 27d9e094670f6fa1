#include <Eigen/Eigenvalues>

#include "base/error.h"
#include "linalg/small_dense.h"

namespace lq {

SymmetricEigen symmetric_eigen(std::int64_t n, const double* a) {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;
  // Row-major lower is column-major upper: transpose on the way in.
  const Matrix lower = Eigen::Map<const Matrix>(a, n, n).transpose();
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(lower);
  LQ_CHECK(solver.info() == Eigen::Success, kInternal, "eigenvalues of a {} x {} matrix did not converge", n,
           n);
  SymmetricEigen out{std::vector<double>(static_cast<std::size_t>(n)),
                     std::vector<double>(static_cast<std::size_t>(n * n))};
  for (std::int64_t j = 0; j < n; ++j) {
    out.values[static_cast<std::size_t>(j)] = solver.eigenvalues()(n - 1 - j);
    for (std::int64_t i = 0; i < n; ++i) {
      out.vectors[static_cast<std::size_t>(i * n + j)] = solver.eigenvectors()(i, n - 1 - j);
    }
  }
  return out;
}

}  // namespace lq
