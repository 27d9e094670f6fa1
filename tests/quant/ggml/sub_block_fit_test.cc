#include "quant/ggml/sub_block_fit.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "quant/ggml/ggml_type.h"

namespace lq::ggml {
namespace {

// Weights that a step gives exactly are found with that step, whatever their importance.
TEST(SubBlockFit, FindsTheStepThatLeavesNoError) {
  const BlockKind& kind = block_kind(GgmlType::kQ4_0);
  std::vector<float> x, w;
  for (int i = 0; i < 32; ++i) {
    x.push_back(0.25F * static_cast<float>(i % 16 - 8));
    w.push_back(1.0F + static_cast<float>(i % 3));
  }
  const SubBlock b = {x.data(), w.data(), 32};
  const Fitted f = fit_step(kind, b, shares_of(kind, true), true);
  EXPECT_NEAR(f.step, 0.25F, 1e-6F);
  EXPECT_EQ(f.base, 0.0F);
}

TEST(SubBlockFit, WholeNumbersOfAnExactMultiple) {
  const std::array<float, 4> a = {0.5F, 1.5F, -1.0F, 3.0F};
  const std::array<float, 4> weight = {1.0F, 2.0F, 1.0F, 1.0F};
  std::array<int, 4> k{};
  const float d = fit_whole(a.data(), weight.data(), 4, -8, 7, k.data());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(d * static_cast<float>(k[i]), a[i], 0.2F) << i;
  const std::array<float, 4> none{};
  EXPECT_EQ(fit_whole(none.data(), weight.data(), 4, 0, 15, k.data()), 0.0F);
  EXPECT_EQ(k, (std::array<int, 4>{}));
}

TEST(SubBlockFit, TheErrorIsThatOfTheNearestCodes) {
  const std::array<float, 3> x = {0.0F, 1.2F, 9.0F};
  const std::array<float, 3> w = {1.0F, 2.0F, 1.0F};
  const SubBlock b = {x.data(), w.data(), 3};
  EXPECT_NEAR(sub_error(b, {1.0F, 0.0F}, 3.0F), 2.0F * 0.04F + 36.0F, 1e-5F);
  EXPECT_NEAR(sub_error(b, {}, 3.0F), 2.0F * 1.44F + 81.0F, 1e-5F);
}

}  // namespace
}  // namespace lq::ggml
