#include <Eigen/Cholesky>
#include <Eigen/QR>

#include "linalg/small_dense.h"

namespace lq {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace

bool cholesky_in_place(std::int64_t n, double* a) {
  Eigen::Map<RowMajor> matrix(a, n, n);
  Eigen::LLT<Eigen::Ref<RowMajor>> llt(matrix);
  if (llt.info() != Eigen::Success) return false;
  matrix.triangularView<Eigen::StrictlyUpper>().setZero();
  return matrix.diagonal().allFinite();
}

void invert_lower_in_place(std::int64_t n, double* l) {
  Eigen::Map<RowMajor> matrix(l, n, n);
  RowMajor inverse = RowMajor::Identity(n, n);
  matrix.triangularView<Eigen::Lower>().solveInPlace(inverse);
  matrix = inverse;
}

void householder_orthonormalize(std::int64_t m, std::int64_t k, float* y) {
  using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<FloatMatrix> matrix(y, m, k);
  Eigen::HouseholderQR<Eigen::MatrixXd> qr(matrix.cast<double>());
  Eigen::MatrixXd thin = Eigen::MatrixXd::Identity(m, k);
  thin.applyOnTheLeft(qr.householderQ());
  matrix = thin.cast<float>();
}

}  // namespace lq
