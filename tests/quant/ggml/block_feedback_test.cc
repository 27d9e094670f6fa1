#include "quant/ggml/block_feedback.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "quant/ggml/block_fit.h"
#include "quant/ggml/dequantize.h"
#include "reference/dense_matrix.h"

namespace lq::ggml {
namespace {

constexpr std::int64_t kFeedRows = 20;
constexpr std::int64_t kFeedCols = 512;

// Lower factor whose columns go together, as those of real inputs do.
std::vector<float> coupled_factor(std::int64_t n, float coupling) {
  std::vector<float> s(static_cast<std::size_t>(n * n), 0.0F);
  for (std::int64_t l = 0; l < n; ++l) {
    for (std::int64_t j = 0; j <= l; ++j) {
      s[static_cast<std::size_t>(l * n + j)] = l == j ? 0.4F + 0.1F * static_cast<float>(l % 5)
                                                      : coupling * std::pow(0.9F, static_cast<float>(l - j));
    }
  }
  return s;
}

// ||T^T E S||^2.
double joint_error(const std::vector<float>& w, const std::vector<float>& q, const std::vector<float>& s,
                   const std::vector<float>* t) {
  std::vector<double> e(w.size());
  for (std::size_t i = 0; i < e.size(); ++i) e[i] = double{w[i]} - q[i];
  if (t != nullptr) {
    std::vector<double> te(e.size(), 0.0);
    for (std::int64_t k = 0; k < kFeedRows; ++k) {
      for (std::int64_t i = 0; i <= k; ++i) {
        const double f = (*t)[static_cast<std::size_t>(k * kFeedRows + i)];
        for (std::int64_t c = 0; c < kFeedCols; ++c) {
          te[static_cast<std::size_t>(i * kFeedCols + c)] +=
              f * e[static_cast<std::size_t>(k * kFeedCols + c)];
        }
      }
    }
    e = te;
  }
  double sum = 0.0;
  for (std::int64_t i = 0; i < kFeedRows; ++i) {
    for (std::int64_t j = 0; j < kFeedCols; ++j) {
      double x = 0.0;
      for (std::int64_t l = j; l < kFeedCols; ++l) {
        x += e[static_cast<std::size_t>(i * kFeedCols + l)] * s[static_cast<std::size_t>(l * kFeedCols + j)];
      }
      sum += x * x;
    }
  }
  return sum;
}

std::vector<float> decoded(const BlockKind& kind, const std::vector<std::uint8_t>& blocks) {
  std::vector<float> q(kFeedRows * kFeedCols);
  dequantize(kind.type, reinterpret_cast<const std::byte*>(blocks.data()), 0, std::ssize(q), q.data());
  return q;
}

TEST(BlockFeedback, LeavesLessOfTheNormThanCodesAlone) {
  ThreadPool pool(2);
  const auto w = reference::normal_matrix(kFeedRows, kFeedCols, 3);
  const std::vector<float> s = coupled_factor(kFeedCols, 0.3F);
  std::vector<float> t(kFeedRows * kFeedRows, 0.0F);
  for (std::int64_t i = 0; i < kFeedRows; ++i) {
    for (std::int64_t k = 0; k <= i; ++k)
      t[static_cast<std::size_t>(i * kFeedRows + k)] = i == k ? 1.0F : 0.3F;
  }
  std::vector<float> cols(kFeedCols, 0.0F);
  for (std::int64_t l = 0; l < kFeedCols; ++l) {
    for (std::int64_t j = 0; j <= l; ++j) {
      cols[static_cast<std::size_t>(l)] += std::pow(s[static_cast<std::size_t>(l * kFeedCols + j)], 2.0F);
    }
  }
  for (const BlockKind& kind : block_kinds()) {
    std::vector<std::uint8_t> blocks(
        static_cast<std::size_t>(kFeedRows * kFeedCols / kind.weights * type_info(kind.type).bytes));
    std::vector<float> alone(w.size());
    for (std::size_t at = 0; at < w.size(); at += static_cast<std::size_t>(kind.weights)) {
      const BlockScales scales = fit_scales(kind, w.data() + at, cols.data() + at % kFeedCols, true);
      for (std::size_t i = 0; i < static_cast<std::size_t>(kind.weights); ++i) {
        const std::size_t sub = i / static_cast<std::size_t>(kind.sub);
        alone[at + i] = value_of(kind, scales, sub, code_of(kind, scales, sub, w[at + i]));
      }
    }
    feed_back_blocks(pool, kind, true, w.data(), kFeedRows, kFeedCols, {.col_factor = s.data()},
                     blocks.data());
    const std::vector<float> with_columns = decoded(kind, blocks);
    const double columns = joint_error(w, with_columns, s, nullptr);
    // A base of its own already takes off some of what goes together in a block.
    EXPECT_LT(columns, (kind.least ? 0.85 : 0.6) * joint_error(w, alone, s, nullptr))
        << type_info(kind.type).name;
    feed_back_blocks(pool, kind, true, w.data(), kFeedRows, kFeedCols,
                     {.row_factor = t.data(), .col_factor = s.data()}, blocks.data());
    EXPECT_LT(joint_error(w, decoded(kind, blocks), s, &t), joint_error(w, with_columns, s, &t))
        << type_info(kind.type).name;
  }
}

}  // namespace
}  // namespace lq::ggml
