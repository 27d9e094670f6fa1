// Feedback from tile to tile: less error in the norm that it is for, on every shape, the same bits on any
// number of threads.
#include "quant/trellis/trellis_feedback.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "backends/cpu/packed_product.h"
#include "quant/trellis/tile_coder.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

// The lower factor of a covariance whose neighbours at a distance resemble one another.
std::vector<float> factor_of(std::int64_t n) {
  std::vector<double> l(static_cast<std::size_t>(n * n), 0.0);
  const auto covariance = [&](std::int64_t i, std::int64_t j) {
    const double slow = 0.8 * std::cos(0.02 * static_cast<double>(i - j));
    return slow + (i == j ? 0.2 + 0.1 * static_cast<double>(i % 5) : 0.0);
  };
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) {
      double sum = covariance(i, j);
      for (std::int64_t k = 0; k < j; ++k)
        sum -= l[static_cast<std::size_t>(i * n + k)] * l[static_cast<std::size_t>(j * n + k)];
      l[static_cast<std::size_t>(i * n + j)] =
          i == j ? std::sqrt(sum) : sum / l[static_cast<std::size_t>(j * n + j)];
    }
  }
  return {l.begin(), l.end()};
}

struct Problem {
  Problem(std::int64_t rows, std::int64_t cols, bool both)
      : rows(rows),
        cols(cols),
        w(reference::normal_matrix(rows, cols, 8)),
        s(factor_of(cols)),
        t(both ? factor_of(rows) : std::vector<float>()) {
    weights.col_factor = s.data();
    weights.row_factor = both ? t.data() : nullptr;
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  TrellisStored with_scales() const {
    ThreadPool pool(1);
    const TrellisConfig config{2, 12, 64};
    TrellisStored stored(rows, cols, config, "m");
    store_trellis_scales(trellis_scale_targets(pool, config, w.data(), rows, cols, {}), stored);
    return stored;
  }
  // ||T^T (W - Q) S||^2.
  double error(const TrellisStored& stored) const {
    ThreadPool pool(1);
    std::vector<float> q(w.size());
    backends::packed_decode(pool, stored.view(), q.data());
    reference::Dense e = reference::difference({rows, cols, w.data()}, {rows, cols, q.data()});
    e = reference::product(e, {cols, cols, s.data()});
    if (!t.empty()) e = reference::product(reference::transpose({rows, rows, t.data()}), e);
    return std::pow(reference::norm(e), 2);
  }

  std::int64_t rows, cols;
  std::vector<float> w, s, t;
  ErrorWeights weights;
};

TEST(TrellisFeedback, ErrsLessInTheNormOfItsFactors) {
  ThreadPool pool(2);
  for (const bool both : {false, true}) {
    for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{40, 200}, {80, 150}, {7, 33}}) {
      const Problem p(rows, cols, both);
      // The same order of tiles without factors that pass anything on: the identity.
      std::vector<float> identity(static_cast<std::size_t>(cols * cols), 0.0F);
      for (std::int64_t j = 0; j < cols; ++j) identity[static_cast<std::size_t>(j * cols + j)] = 1.0F;
      TrellisStored alone = p.with_scales();
      trellis_feed_back(pool, 12, p.w.data(), {.col_factor = identity.data()}, alone, nullptr);
      TrellisStored stored = p.with_scales();
      trellis_feed_back(pool, 12, p.w.data(), p.weights, stored, nullptr);
      // One short row of tiles has little to pass on, and roundings alone move its error by a tenth.
      EXPECT_LT(p.error(stored), (rows < 16 ? 1.25 : 0.6) * p.error(alone))
          << rows << 'x' << cols << (both ? " both sides" : "");
    }
  }
}

TEST(TrellisFeedback, TheSameBitsOnAnyNumberOfThreads) {
  for (const bool both : {false, true}) {
    const Problem p(150, 300, both);
    std::vector<std::vector<std::uint8_t>> codes;
    std::vector<std::vector<double>> products;
    for (const int threads : {1, 3}) {
      ThreadPool pool(threads);
      TrellisStored stored = p.with_scales();
      TrellisFit fit(stored);
      trellis_feed_back(pool, 10, p.w.data(), p.weights, stored, &fit);
      codes.push_back(stored.codes);
      products.push_back(fit.products);
    }
    EXPECT_EQ(codes[0], codes[1]);
    EXPECT_EQ(products[0], products[1]);
  }
}

TEST(TrellisFeedback, WithoutCorrelationsItIsEachTileAlone) {
  ThreadPool pool(1);
  const Problem p(20, 40, false);
  std::vector<float> identity(40 * 40, 0.0F);
  for (std::size_t j = 0; j < 40; ++j) identity[41 * j] = 1.0F;
  TrellisStored stored = p.with_scales();
  trellis_feed_back(pool, 12, p.w.data(), {.col_factor = identity.data()}, stored, nullptr);
  TrellisStored alone = p.with_scales();
  TileCoder coder(alone.config, 12);
  for (const std::int64_t row : {0, 16}) {
    for (const std::int64_t col : {0, 16, 32}) {
      coder.code({row, std::min<std::int64_t>(16, 20 - row), col, std::min<std::int64_t>(16, 40 - col)},
                 {.targets = p.w.data() + row * 40 + col, .stride = 40}, alone, nullptr, nullptr);
    }
  }
  EXPECT_EQ(stored.codes, alone.codes);
}

}  // namespace
}  // namespace lq
