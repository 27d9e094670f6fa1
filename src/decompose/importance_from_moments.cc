#include "decompose/importance_from_moments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace lq {
namespace {

// In place of a zero moment: far below any real one, far above what underflows in f32.
constexpr float kNothing = 1e-16F;

struct Mended {
  std::int64_t variances = 0;    // diagonal elements that were no variances
  std::int64_t covariances = 0;  // elements beside them that were no numbers
  bool zero = false;
};

// Makes the lower triangle of m[n, n] finite, its diagonal not negative and not all zero.
Mended mend(std::int64_t n, std::vector<float>& m) {
  Mended out;
  const auto at = [&](std::int64_t i, std::int64_t j) -> float& {
    return m[static_cast<std::size_t>(i * n + j)];
  };
  std::vector<bool> bad(static_cast<std::size_t>(n));
  double trace = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    const float v = at(i, i);
    if (std::isfinite(v) && v >= 0.0F) {
      trace += static_cast<double>(v);
    } else {
      bad[static_cast<std::size_t>(i)] = true;
      ++out.variances;
    }
  }
  out.zero = trace == 0.0;
  const auto average =
      static_cast<float>(trace / static_cast<double>(std::max<std::int64_t>(1, n - out.variances)));
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < i; ++j) {
      const bool lost = bad[static_cast<std::size_t>(i)] || bad[static_cast<std::size_t>(j)];
      if (!lost && !std::isfinite(at(i, j))) ++out.covariances;
      if (lost || out.zero || !std::isfinite(at(i, j))) at(i, j) = 0.0F;
    }
    if (out.zero) {
      at(i, i) = kNothing;
    } else if (bad[static_cast<std::size_t>(i)]) {
      at(i, i) = average;
    }
  }
  return out;
}

}  // namespace

MomentFactor factor_moment(ThreadPool& pool, std::int64_t n, std::span<const float> moment,
                           std::string_view who, const MomentOptions& options) {
  LQ_CHECK(moment.size() == static_cast<std::size_t>(n * n), kMismatch,
           "{}: second moment of {} values, but {} x {} were expected", who, moment.size(), n, n);
  std::vector<float> m(moment.begin(), moment.end());
  const Mended mended = mend(n, m);
  MomentFactor out;
  if (mended.variances > 0) {
    out.notes.push_back(fmt::format(
        "{}: {} of {} variances are no numbers or negative; they count as uncorrelated and average", who,
        mended.variances, n));
  }
  if (mended.covariances > 0) {
    out.notes.push_back(
        fmt::format("{}: {} covariances are no numbers; they count as zero", who, mended.covariances));
  }
  if (mended.zero) {
    out.notes.push_back(fmt::format("{}: nothing was ever seen here; its errors count next to nothing", who));
  }
  auto factor = std::make_shared<LowerFactor>(
      LowerFactor::of_second_moment(pool, n, std::move(m), options.damping, who));
  if (factor->damping() > options.damping) {
    out.notes.push_back(fmt::format("{}: the second moment is singular; damped by {:g} of its mean, not {:g}",
                                    who, factor->damping(), options.damping));
  }
  out.factor = std::move(factor);
  return out;
}

Importance input_importance(std::shared_ptr<const LowerFactor> r) {
  return Importance::kronecker(nullptr, std::move(r));
}

Importance kfac_importance(std::shared_ptr<const LowerFactor> r, std::shared_ptr<const LowerFactor> g) {
  return Importance::kronecker(std::move(g), std::move(r));
}

}  // namespace lq
