// Block scales by search.
#include "backends/cpu/nf_search.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "quant/codebook/codebook_quantizer.h"

namespace lq {
namespace {

std::vector<float> normal_weights(std::int64_t n, std::uint64_t stream = 0) {
  ThreadPool pool(1);
  std::vector<float> w(static_cast<std::size_t>(n));
  Rng(21, stream).fill_normal(pool, w.data(), n);
  return w;
}

double squared_error(const std::vector<float>& w, const std::vector<float>& q, const std::vector<float>& rows,
                     const std::vector<float>& cols) {
  double sum = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    sum += double{rows[i / cols.size()]} * double{cols[i % cols.size()]} *
           std::pow(double{w[i]} - double{q[i]}, 2);
  }
  return sum;
}

CodebookQuantizer searching(const CodebookConfig& config, CodebookKind kind = CodebookKind::kNormalFloat) {
  return CodebookQuantizer(config, {.kind = kind, .scales = ScaleMode::kSearch});
}

// A matrix of one block: its scale is the offset, free of rounding. The best of 4,000 scales bounds what a
// search can reach.
TEST(NfSearch, OneBlockComesNearTheBestOfAllScales) {
  ThreadPool pool(1);
  const std::vector<float> one = {1.0F};
  for (const CodebookKind kind :
       {CodebookKind::kNormalFloat, CodebookKind::kUniformInt, CodebookKind::kLloydMax}) {
    for (const int bits : {2, 3, 4}) {
      const Codebook& book = codebook_of(kind, bits);
      double total = 0.0;
      double total_best = 0.0;
      for (std::uint64_t block = 0; block < 100; ++block) {
        const std::vector<float> w = normal_weights(64, block);
        std::vector<float> q(64);
        const std::vector<float> ones(64, 1.0F);
        searching(uniform_codebook_config(bits), kind)
            .round_trip_weighted(pool, w.data(), 1, 64, q.data(), {nullptr, ones.data()});
        const double error = squared_error(w, q, one, ones);
        float absmax = 0.0F;
        for (const float x : w) absmax = std::max(absmax, std::abs(x));
        double best = std::numeric_limits<double>::infinity();
        for (int k = 1; k <= 4000; ++k) {
          const double scale = 1.3 * absmax * k / 4000.0;
          double sum = 0.0;
          for (const float x : w) {
            const auto* above = std::lower_bound(book.midpoints, book.midpoints + (1 << bits) - 1,
                                                 static_cast<float>(x / scale));
            sum += std::pow(x - book.values[above - book.midpoints] * scale, 2);
          }
          best = std::min(best, sum);
        }
        ASSERT_GT(error, best * 0.999);  // the bound is one, but for the grid's own step
        total += error;
        total_best += best;
      }
      EXPECT_LT(total, 1.01 * total_best) << codebook_kind_name(kind) << bits;
    }
  }
}

TEST(NfSearch, LowersTheErrorOfEveryConfiguration) {
  ThreadPool pool(2);
  const std::int64_t n = 64 * 256 + 1000;
  const std::vector<float> w = normal_weights(n);
  const std::vector<float> one = {1.0F};
  const std::vector<float> ones(w.size(), 1.0F);
  std::vector<float> plain(w.size());
  std::vector<float> searched(w.size());
  for (const CodebookConfig& config : all_nf_configs()) {
    CodebookQuantizer(config).round_trip(pool, w.data(), 1, n, plain.data());
    searching(config).round_trip_weighted(pool, w.data(), 1, n, searched.data(), {nullptr, ones.data()});
    EXPECT_LT(squared_error(w, searched, one, ones), squared_error(w, plain, one, ones)) << to_string(config);
  }
}

TEST(NfSearch, WeightsMoveTheErrorToWhereItMattersLess) {
  ThreadPool pool(2);
  const std::int64_t rows = 96;
  const std::int64_t cols = 100;  // blocks cross rows
  const std::vector<float> w = normal_weights(rows * cols);
  std::vector<float> row_weights(static_cast<std::size_t>(rows), 1.0F);
  std::vector<float> col_weights(static_cast<std::size_t>(cols), 1.0F);
  for (std::size_t i = 0; i < row_weights.size(); i += 2) row_weights[i] = 50.0F;
  for (std::size_t j = 0; j < col_weights.size(); j += 3) col_weights[j] = 100.0F;
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    const CodebookQuantizer quantizer = searching(uniform_codebook_config(bits));
    std::vector<float> plain(w.size());
    std::vector<float> weighted(w.size());
    std::vector<float> by_col(w.size());
    quantizer.round_trip(pool, w.data(), rows, cols, plain.data());
    quantizer.round_trip_weighted(pool, w.data(), rows, cols, weighted.data(),
                                  {row_weights.data(), col_weights.data()});
    quantizer.round_trip_weighted(pool, w.data(), rows, cols, by_col.data(), {nullptr, col_weights.data()});
    EXPECT_LT(squared_error(w, weighted, row_weights, col_weights),
              squared_error(w, plain, row_weights, col_weights))
        << bits;
    const std::vector<float> ones(row_weights.size(), 1.0F);
    EXPECT_LT(squared_error(w, by_col, ones, col_weights), squared_error(w, plain, ones, col_weights))
        << bits;
    EXPECT_LT(squared_error(w, weighted, row_weights, col_weights),
              squared_error(w, by_col, row_weights, col_weights))
        << bits;
  }
}

TEST(NfSearch, WithoutWeightsErrorsCountByMagnitude) {
  ThreadPool pool(2);
  std::vector<float> w = normal_weights(90 * 128);
  for (std::size_t i = 0; i < w.size(); i += 640) w[i] = 20.0F;  // far beyond the others of its block
  const std::vector<float> ones(128, 1.0F);
  std::vector<float> magnitudes(w.size());
  std::transform(w.begin(), w.end(), magnitudes.begin(), [](float x) { return std::abs(x); });
  for (const int bits : {2, 3, 4}) {
    std::vector<float> have(w.size());
    std::vector<float> equal(w.size());
    std::vector<float> want(w.size());
    const CodebookQuantizer quantizer = searching(uniform_codebook_config(bits));
    quantizer.round_trip(pool, w.data(), 90, 128, have.data());
    quantizer.round_trip_weighted(pool, w.data(), 90, 128, equal.data(), {nullptr, ones.data()});
    // As one row, whose columns' weights are the magnitudes.
    quantizer.round_trip_weighted(pool, w.data(), 1, std::ssize(w), want.data(),
                                  {nullptr, magnitudes.data()});
    // Not bit for bit: magnitudes are taken over the block's largest, which rounds.
    const std::vector<float> one = {1.0F};
    const double error = squared_error(w, have, one, magnitudes);
    EXPECT_NEAR(error, squared_error(w, want, one, magnitudes), 1e-3 * error) << bits;
    EXPECT_LT(error, squared_error(w, equal, one, magnitudes)) << bits;
    double clipped = 0.0;
    double clipped_equal = 0.0;
    for (std::size_t i = 0; i < w.size(); i += 640) {
      clipped += 20.0 - double{have[i]};
      clipped_equal += 20.0 - double{equal[i]};
    }
    EXPECT_LT(clipped, clipped_equal) << bits;
  }
}

TEST(NfSearch, SameBitsOnEveryTargetAndThreadCount) {
  const std::int64_t rows = 130;
  const std::int64_t cols = 257;
  const std::vector<float> w = normal_weights(rows * cols);
  std::vector<float> weights = normal_weights(cols, 9);
  for (float& x : weights) x = x * x;
  for (const char* text : {"2,8,fp32,64,256", "3,2,bf16,16,16", "4,3,fp16,32,64", "8,4,fp32,64,64"}) {
    const CodebookQuantizer quantizer = searching(parse_codebook_config(text));
    std::vector<std::vector<float>> results;
    const std::int64_t supported = hwy::SupportedTargets();
    for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {
      hwy::SetSupportedTargetsForTest(rest & -rest);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      for (const int threads : {1, 2, 7}) {
        ThreadPool pool(threads);
        for (const ErrorWeights& given : {ErrorWeights{}, ErrorWeights{nullptr, weights.data()}}) {
          std::vector<float> q(w.size());
          quantizer.round_trip_weighted(pool, w.data(), rows, cols, q.data(), given);
          std::vector<float> unpacked(w.size());
          quantizer.quantize(pool, w.data(), rows, cols, given).dequantize(pool, unpacked.data());
          EXPECT_EQ(q, unpacked);
          results.push_back(std::move(q));
        }
      }
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (std::size_t i = 2; i < results.size(); ++i)
      EXPECT_EQ(results[i], results[i % 2]) << text << ' ' << i;
    EXPECT_NE(results[0], results[1]);
  }
}

TEST(NfSearch, SpecialValuesStayFinite) {
  ThreadPool pool(1);
  const std::int64_t rows = 40;
  const std::int64_t cols = 70;
  const std::vector<float> base = normal_weights(rows * cols);
  std::vector<float> zero_weights(static_cast<std::size_t>(cols), 0.0F);
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const ScaleDType type : {ScaleDType::kBf16, ScaleDType::kFp16, ScaleDType::kFp32}) {
      const CodebookQuantizer quantizer = searching({bits, 4, type, 16, 16});
      for (const float factor : {0.0F, 1e-44F, 1e-38F, 1e-20F, 1.0F, 1e20F, 6e37F}) {
        std::vector<float> w = base;
        for (std::size_t i = 0; i < w.size(); ++i) w[i] *= i % 64 < 48 ? factor : factor * 0.001F;
        for (const ErrorWeights& weights : {ErrorWeights{}, ErrorWeights{nullptr, zero_weights.data()}}) {
          std::vector<float> q(w.size());
          quantizer.round_trip_weighted(pool, w.data(), rows, cols, q.data(), weights);
          for (const float x : q) ASSERT_TRUE(std::isfinite(x)) << bits << ' ' << factor;
          if (factor == 0.0F) {
            ASSERT_EQ(q, std::vector<float>(w.size(), 0.0F));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace lq
