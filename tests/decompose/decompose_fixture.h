// What the tests of decomposition share.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "decompose/decompose.h"
#include "quant/codebook/codebook_quantizer.h"
#include "reference/dense_matrix.h"

namespace lq::testing_support {

struct Workbench {
  explicit Workbench(int threads = 2) : pool(threads), context{pool, progress, 0, {}} {}
  ThreadPool pool;
  NoProgress progress;
  Context context;
};

struct Errors {
  double relative = 0.0;
  double weighted = 0.0;
};

// diag(rows) e diag(cols), or T^T e S.
inline reference::Dense weigh(reference::Dense e, const Importance& importance) {
  for (std::int64_t i = 0; i < e.rows; ++i) {
    for (std::int64_t j = 0; j < e.cols; ++j) {
      if (importance.row_scale() != nullptr) e.at(i, j) *= static_cast<double>(importance.row_scale()[i]);
      if (importance.col_scale() != nullptr) e.at(i, j) *= static_cast<double>(importance.col_scale()[j]);
    }
  }
  const auto dense = [](const LowerFactor& f) {
    return reference::Dense(f.size(), f.size(), f.values().data());
  };
  if (importance.left() != nullptr)
    e = reference::product(reference::transpose(dense(*importance.left())), e);
  if (importance.right() != nullptr) e = reference::product(e, dense(*importance.right()));
  return e;
}

// From the packed matrix and the factors, in plain loops: what the reported errors must be.
inline Errors errors_from_packed(Workbench& run, const std::vector<float>& w, std::int64_t rows,
                                 std::int64_t cols, const Quantizer& quantizer, const Decomposition& d,
                                 const Importance& importance) {
  using reference::Dense;
  std::vector<float> target(w.size());
  decomposition_target(run.context, w.data(), rows, cols, d, target.data());
  const PackedMatrix packed = quantizer.pack(run.pool, target.data(), rows, cols, importance.error_weights());
  std::vector<float> q(w.size());
  packed.dequantize(run.pool, q.data());
  const Dense dense(rows, cols, w.data());
  Dense e = reference::difference(dense, Dense(rows, cols, q.data()));
  if (d.l1.numel() > 0) {
    const std::int64_t r = d.l1.dim(1);
    e = reference::difference(
        e, reference::product(Dense(rows, r, d.l1.data<float>()), Dense(r, cols, d.l2.data<float>())));
  }
  const Dense we = weigh(e, importance);
  const Dense ww = weigh(dense, importance);
  const auto ratio = [](double a, double b) { return b > 0.0 ? a / b : 0.0; };
  return {ratio(reference::norm(e), reference::norm(dense)), ratio(reference::norm(we), reference::norm(ww))};
}

inline Importance uneven_weighting(std::int64_t rows, std::int64_t cols) {
  std::vector<double> r(static_cast<std::size_t>(rows));
  std::vector<double> c(static_cast<std::size_t>(cols));
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = std::exp(std::sin(7.0 * static_cast<double>(i)));
  for (std::size_t j = 0; j < c.size(); ++j) c[j] = std::exp(2.0 * std::cos(3.0 * static_cast<double>(j)));
  return Importance::fisher(r, c);
}

// The factor of a second moment of strongly correlated vectors whose entries differ in size.
inline std::shared_ptr<const LowerFactor> correlated_factor(std::int64_t n, std::uint64_t stream) {
  const std::int64_t samples = 3 * n;
  reference::Dense x(n, samples, reference::normal_matrix(n, samples, stream).data());
  const std::vector<float> common = reference::normal_matrix(4, samples, stream + 100);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < samples; ++k) {
      x.at(i, k) += 3.0 * static_cast<double>(common[static_cast<std::size_t>((i % 4) * samples + k)]);
      x.at(i, k) *= std::exp(std::sin(5.0 * static_cast<double>(i)));
    }
  }
  const reference::Dense r = reference::product(x, reference::transpose(x));
  ThreadPool pool(1);
  return std::make_shared<const LowerFactor>(
      LowerFactor::of_second_moment(pool, n, {r.v.begin(), r.v.end()}, 1e-2, "test"));
}

}  // namespace lq::testing_support
