#include <Eigen/SVD>

#include "base/error.h"
#include "linalg/small_dense.h"

namespace lq {

Svd svd(std::int64_t m, std::int64_t n, const double* a) {
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::MatrixXd matrix = Eigen::Map<const RowMajor>(a, m, n);
  const std::int64_t k = std::min(m, n);
  Svd out{std::vector<double>(static_cast<std::size_t>(m * k)),
          std::vector<double>(static_cast<std::size_t>(k)),
          std::vector<double>(static_cast<std::size_t>(k * n))};
  const Eigen::BDCSVD<Eigen::MatrixXd> solver(matrix, Eigen::ComputeThinU | Eigen::ComputeThinV);
  LQ_CHECK(solver.info() == Eigen::Success, kInternal, "SVD of a {} x {} matrix did not converge", m, n);
  Eigen::Map<RowMajor>(out.u.data(), m, k) = solver.matrixU();
  Eigen::Map<Eigen::VectorXd>(out.s.data(), k) = solver.singularValues();
  Eigen::Map<RowMajor>(out.vt.data(), k, n) = solver.matrixV().transpose();
  return out;
}

}  // namespace lq
