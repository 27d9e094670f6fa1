#include "quant/ggml/ggml_quantizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "quant/format.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

constexpr std::int64_t kRows = 37;
constexpr std::int64_t kCols = 768;

double ggml_error(const std::vector<float>& w, const std::vector<float>& q) {
  double error = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) error += std::pow(double{w[i]} - q[i], 2);
  return error;
}

TEST(GgmlQuantizer, PackedItHasTheValuesOfTheRoundTripOnAnyNumberOfThreads) {
  ThreadPool one(1), three(3);
  const auto w = reference::weight_like_matrix(kRows, kCols, 2, 3);
  std::vector<float> s(kCols * kCols, 0.0F), t(kRows * kRows, 0.0F), cols(kCols);
  for (std::size_t j = 0; j < kCols; ++j) {
    s[(kCols + 1) * j] = 1.0F + static_cast<float>(j % 3);
    if (j > 20) s[kCols * j + j - 20] = 0.5F;
    cols[j] = s[(kCols + 1) * j] * s[(kCols + 1) * j] + (j > 20 ? 0.25F : 0.0F);
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    t[(kRows + 1) * i] = 1.0F;
    if (i > 2) t[kRows * i + i - 2] = 0.4F;
  }
  const ErrorWeights weights{.cols = cols.data(), .row_factor = t.data(), .col_factor = s.data()};
  for (const char* name : {"q2_k", "q3_k", "q5_1", "iq4_xs"}) {
    for (const QuantizerOptions& options :
         {QuantizerOptions{}, {ScaleMode::kSearch}, {ScaleMode::kSearch, Feedback::kOn}}) {
      const auto quantizer = make_quantizer({"ggml", name}, options);
      std::vector<float> q(w.size()), packed(w.size());
      quantizer->round_trip_weighted(one, w.data(), kRows, kCols, q.data(), weights);
      quantizer->pack(three, w.data(), kRows, kCols, weights).dequantize(three, packed.data());
      ASSERT_EQ(std::memcmp(q.data(), packed.data(), 4 * q.size()), 0) << quantizer->name();
    }
  }
}

TEST(GgmlQuantizer, WiderTypesErrLess) {
  ThreadPool pool(2);
  const auto w = reference::normal_matrix(16, 512, 4);
  std::vector<double> errors;
  for (const char* name : {"q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "q8_0"}) {
    std::vector<float> q(w.size());
    make_quantizer({"ggml", name}, {ScaleMode::kSearch})->round_trip(pool, w.data(), 16, 512, q.data());
    errors.push_back(ggml_error(w, q));
  }
  for (std::size_t i = 1; i < errors.size(); ++i) EXPECT_LT(errors[i], 0.5 * errors[i - 1]) << i;
}

TEST(GgmlQuantizer, ImportanceMovesTheError) {
  ThreadPool pool(2);
  const auto w = reference::normal_matrix(8, 256, 6);
  std::vector<float> cols(256, 0.01F);
  for (std::size_t j = 0; j < 256; j += 8) cols[j] = 1.0F;
  const auto at_important = [&](const ErrorWeights& weights) {
    std::vector<float> q(w.size());
    make_quantizer({"ggml", "q3_k"}, {ScaleMode::kSearch})
        ->round_trip_weighted(pool, w.data(), 8, 256, q.data(), weights);
    double error = 0.0;
    for (std::size_t i = 0; i < q.size(); i += 8) error += std::pow(double{w[i]} - q[i], 2);
    return error;
  };
  EXPECT_LT(at_important({.cols = cols.data()}), 0.6 * at_important({}));
}

TEST(GgmlQuantizer, SaysWhatItDoes) {
  const auto quantizer = make_quantizer({"ggml", "q4_k"}, {ScaleMode::kSearch, Feedback::kOn});
  EXPECT_EQ(quantizer->name(), "ggml q4_k search feedback");
  EXPECT_EQ(quantizer->without_feedback()->name(), "ggml q4_k search");
  EXPECT_EQ(quantizer->feedback(), Feedback::kOn);
  EXPECT_THROW(make_quantizer({"ggml", "q4_k"}, {ScaleMode::kAbsMax, Feedback::kGptq}), Error);
}

}  // namespace
}  // namespace lq
