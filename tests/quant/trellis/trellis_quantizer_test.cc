// The quantizer as decomposition sees it.
#include "quant/trellis/trellis_quantizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.h"
#include "quant/format.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

double relative_square(const std::vector<float>& w, const std::vector<float>& q) {
  double error = 0.0, square = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    error += std::pow(double{w[i]} - q[i], 2);
    square += std::pow(double{w[i]}, 2);
  }
  return error / square;
}

std::vector<float> round_trip_of(const Quantizer& quantizer, const std::vector<float>& w, std::int64_t rows,
                                 const ErrorWeights& weights = {}, int threads = 2) {
  ThreadPool pool(threads);
  std::vector<float> q(w.size());
  quantizer.round_trip_weighted(pool, w.data(), rows, std::ssize(w) / rows, q.data(), weights);
  return q;
}

TEST(TrellisQuantizer, LeavesHalfOfWhatScalarCodesLeave) {
  const auto w = reference::normal_matrix(48, 256, 9);
  for (const int bits : {2, 3, 4}) {
    const TrellisConfig config{bits, 12, 64};
    const double plain = relative_square(w, round_trip_of(TrellisQuantizer(config, {}), w, 48));
    const double fitted =
        relative_square(w, round_trip_of(TrellisQuantizer(config, {.scales = ScaleMode::kSearch}), w, 48));
    const auto scalar =
        make_quantizer({"lm", std::to_string(bits) + ",8,fp32,64,256"}, {.scales = ScaleMode::kSearch});
    EXPECT_LT(plain, 0.74 * relative_square(w, round_trip_of(*scalar, w, 48))) << bits;
    EXPECT_LT(fitted, 1.005 * plain) << bits;
  }
}

TEST(TrellisQuantizer, PackedItHasTheValuesOfTheRoundTrip) {
  ThreadPool pool(2);
  const auto w = reference::weight_like_matrix(37, 150, 2, 3);
  std::vector<float> s(150 * 150, 0.0F), cols(150);
  for (std::size_t j = 0; j < 150; ++j) {
    s[151 * j] = 1.0F + static_cast<float>(j % 3);
    cols[j] = s[151 * j] * s[151 * j];
    if (j > 20) {
      s[150 * j + j - 20] = 0.5F;
      cols[j] += 0.25F;
    }
  }
  const ErrorWeights weights{.cols = cols.data(), .col_factor = s.data()};
  for (const ScaleMode scales : {ScaleMode::kAbsMax, ScaleMode::kSearch}) {
    for (const Feedback feedback : {Feedback::kOff, Feedback::kOn}) {
      const TrellisQuantizer quantizer({2, 10, 32}, {scales, feedback});
      const PackedMatrix packed = quantizer.pack(pool, w.data(), 37, 150, weights);
      std::vector<float> out(w.size());
      packed.dequantize(pool, out.data());
      const std::vector<float> q = round_trip_of(quantizer, w, 37, weights, 1);
      ASSERT_EQ(std::memcmp(out.data(), q.data(), 4 * q.size()), 0) << quantizer.name();
      std::vector<float> in_place = w;
      quantizer.round_trip_weighted(pool, in_place.data(), 37, 150, in_place.data(), weights);
      EXPECT_EQ(in_place, q);
      EXPECT_LT(relative_square(w, q), 0.4);
    }
  }
}

TEST(TrellisQuantizer, SaysWhatItDoes) {
  EXPECT_EQ(TrellisQuantizer({2, 12, 64}, {}).name(), "tcq 2,12,64");
  const TrellisQuantizer quantizer({3, 14, 128}, {ScaleMode::kSearch, Feedback::kOn});
  EXPECT_EQ(quantizer.name(), "tcq 3,14,128 search feedback");
  EXPECT_EQ(quantizer.feedback(), Feedback::kOn);
  EXPECT_EQ(quantizer.without_feedback()->name(), "tcq 3,14,128 search");
  const auto rounding = quantizer.trellis_rounding().value();
  EXPECT_EQ(rounding.bits, 3);
  EXPECT_EQ(rounding.state_bits, 14);
  EXPECT_EQ(rounding.block, 128);
  EXPECT_TRUE(rounding.search && rounding.feedback);
  EXPECT_FALSE(quantizer.without_feedback()->trellis_rounding().value().feedback);
  EXPECT_THROW(TrellisQuantizer({2, 12, 64}, {.feedback = Feedback::kGptq}), Error);
}

TEST(TrellisQuantizer, ExtremesStayFinite) {
  constexpr float kMax = std::numeric_limits<float>::max();
  std::vector<float> w(20 * 40, 0.0F);
  const TrellisQuantizer quantizer({4, 10, 32}, {.scales = ScaleMode::kSearch});
  for (const float x : round_trip_of(quantizer, w, 20)) ASSERT_EQ(x, 0.0F);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = i % 3 == 0 ? kMax : i % 3 == 1 ? -kMax : std::numeric_limits<float>::denorm_min();
  }
  for (const float x : round_trip_of(quantizer, w, 20)) ASSERT_TRUE(std::isfinite(x));
}

}  // namespace
}  // namespace lq
