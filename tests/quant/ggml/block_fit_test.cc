#include "quant/ggml/block_fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "reference/dense_matrix.h"

namespace lq::ggml {
namespace {

double error_of(const BlockKind& kind, const BlockScales& scales, const float* x, const float* importance) {
  double sum = 0.0;
  for (int i = 0; i < kind.weights; ++i) {
    const auto sub = static_cast<std::size_t>(i / kind.sub);
    const double off = double{x[i]} - value_of(kind, scales, sub, code_of(kind, scales, sub, x[i]));
    sum += importance[i] * off * off;
  }
  return sum;
}

TEST(BlockFit, TheSearchIsBetterThanTheRangeAndNearTheBestOfAFineGrid) {
  constexpr int kBlocks = 40;
  const auto w = reference::normal_matrix(kBlocks, 256, 21);
  auto importance = reference::normal_matrix(kBlocks, 256, 22);
  for (float& i : importance) i = i * i + 0.01F;
  for (const BlockKind& kind : block_kinds()) {
    double searched = 0.0, ranged = 0.0, grid = 0.0;
    for (int block = 0; block < kBlocks; ++block) {
      const float* const x = w.data() + block * 256;
      const float* const weight = importance.data() + block * 256;
      searched += error_of(kind, fit_scales(kind, x, weight, true), x, weight);
      ranged += error_of(kind, fit_scales(kind, x, weight, false), x, weight);
      if (kind.whole_numbers() || kind.least) continue;
      double best = INFINITY;  // of all steps from a twentieth of the range to twice it
      for (int k = -600; k <= 600; ++k) {
        BlockScales s;
        s.d = static_cast<float>(k) / 300.0F * 4.0F / kind.reach();
        s.restore(kind);
        best = std::min(best, error_of(kind, s, x, weight));
      }
      grid += best;
    }
    EXPECT_LT(searched, kind.codes > 60 ? 1.01 * ranged : 0.9 * ranged) << type_info(kind.type).name;
    if (grid > 0.0 && kind.codes <= 32) {
      EXPECT_LT(searched, 1.05 * grid) << type_info(kind.type).name;
    }
  }
}

TEST(BlockFit, WhatABlockCanHoldIsFoundAgain) {
  for (const BlockKind& kind : block_kinds()) {
    BlockScales scales;
    scales.d = 0.03125F;
    scales.m = kind.least ? 0.0625F : 0.0F;
    for (int i = 0; kind.whole_numbers() && i < kind.subs(); ++i) {
      scales.scale[static_cast<std::size_t>(i)] = std::min(kind.scale_high, 3 + i % 12);
      if (kind.least) scales.least[static_cast<std::size_t>(i)] = std::min(kind.scale_high, 1 + i % 7);
    }
    scales.restore(kind);
    std::vector<float> x(256), ones(256, 1.0F);
    double norm = 0.0;
    for (int i = 0; i < kind.weights; ++i) {
      const int code = (i * 7 + i / 16) % kind.codes;
      x[static_cast<std::size_t>(i)] = value_of(kind, scales, static_cast<std::size_t>(i / kind.sub), code);
      norm += double{x[static_cast<std::size_t>(i)]} * x[static_cast<std::size_t>(i)];
    }
    EXPECT_LT(error_of(kind, fit_scales(kind, x.data(), ones.data(), true), x.data(), ones.data()),
              1e-2 * norm)
        << type_info(kind.type).name;
  }
}

TEST(BlockFit, BlocksOfZerosOrWithoutImportanceStayFinite) {
  const std::vector<float> zeros(256, 0.0F), ones(256, 1.0F);
  const auto x = reference::normal_matrix(1, 256, 5);
  for (const BlockKind& kind : block_kinds()) {
    for (const bool search : {false, true}) {
      EXPECT_EQ(
          error_of(kind, fit_scales(kind, zeros.data(), ones.data(), search), zeros.data(), ones.data()),
          0.0);
      const BlockScales s = fit_scales(kind, x.data(), zeros.data(), search);
      for (int i = 0; i < kind.subs(); ++i) {
        EXPECT_TRUE(std::isfinite(s.step[static_cast<std::size_t>(i)]) &&
                    std::isfinite(s.base[static_cast<std::size_t>(i)]));
      }
    }
  }
}

}  // namespace
}  // namespace lq::ggml
