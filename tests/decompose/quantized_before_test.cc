// Weights that were quantized before: they lie on a grid, which W - L1 L2 leaves.
#include <gtest/gtest.h>

#include <vector>

#include "decompose/sweep.h"
#include "decompose_fixture.h"

namespace lq {
namespace {

using testing_support::Workbench;

constexpr std::int64_t kRows = 96;
constexpr std::int64_t kCols = 256;

constexpr QuantizerOptions kSearched{.scales = ScaleMode::kSearch};

std::vector<float> quantized_before(const QuantChoice& choice) {
  Workbench run;
  std::vector<float> w = reference::weight_like_matrix(kRows, kCols, 5, 1);
  make_quantizer(choice, kSearched)->round_trip(run.pool, w.data(), kRows, kCols, w.data());
  return w;
}

Decomposition decomposed(const std::vector<float>& w, const QuantChoice& choice, DecomposeOptions options) {
  Workbench run;
  return decompose(run.context, w.data(), kRows, kCols, *make_quantizer(choice, kSearched), options);
}

TEST(QuantizedBefore, KeepTheirCodesWhereThoseAreBetter) {
  for (const QuantChoice& choice :
       {QuantChoice{"ggml", "q4_0"}, {"ggml", "q4_k"}, {"ggml", "q8_0"}, {"nf", "4,8,fp32,64,256"}}) {
    const std::vector<float> w = quantized_before(choice);
    const double alone = decomposed(w, choice, {.rank = 0}).relative_error;
    const Decomposition ours = decomposed(w, choice, {.rank = 8});
    EXPECT_LE(ours.relative_error, alone) << choice.name();
    EXPECT_EQ(ours.target_l1.numel(), 0) << choice.name();
    EXPECT_EQ(ours.l1.numel(), kRows * 8) << choice.name();
    // The paper's alternation knows nothing of it.
    EXPECT_GT(decomposed(w, choice, {.rank = 8, .relaxation = 0.0}).relative_error, 2 * alone)
        << choice.name();
  }
}

TEST(QuantizedBefore, FactorsStayWhereTheyAreBetter) {
  const std::vector<float> w = reference::weight_like_matrix(kRows, kCols, 5, 1);
  EXPECT_EQ(decomposed(w, {"nf", "4,8,fp32,64,256"}, {.rank = 8}).target_l1.numel(), kRows * 8);
}

TEST(QuantizedBefore, SweepSeesIt) {
  const std::vector<QuantChoice> choices = {
      {"ggml", "q8_0"}, {"ggml", "q4_k"}, {"ggml", "q4_0"}, {"ggml", "iq4_nl"}, {"ggml", "q3_k"}};
  const std::vector<float> w = quantized_before({"ggml", "q4_0"});
  Workbench run;
  const std::vector<double> alone =
      sweep_errors(run.context, w.data(), kRows, kCols, choices, {.rank = 0, .quantizer = kSearched});
  const std::vector<double> errors =
      sweep_errors(run.context, w.data(), kRows, kCols, choices, {.rank = 8, .quantizer = kSearched});
  EXPECT_LE(errors[2], alone[2]);
  for (std::size_t i = 0; i < choices.size(); ++i) EXPECT_LE(errors[i], alone[i]) << choices[i].name();
  EXPECT_LT(errors[2], 0.01 * errors[1]);
}

}  // namespace
}  // namespace lq
