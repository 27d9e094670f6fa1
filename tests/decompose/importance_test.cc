#include "decompose/importance.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/error.h"

namespace lq {
namespace {

TEST(Importance, FisherOfRankOneIsRecovered) {
  // F[i, j] = a[i] b[j]: the product of the scales squared is F itself.
  const std::vector<double> a = {1.0, 2.0, 3.0};
  const std::vector<double> b = {0.5, 4.0};
  std::vector<double> rows;
  std::vector<double> cols;
  for (const double x : a) rows.push_back(x * (b[0] + b[1]) / 2);
  for (const double x : b) cols.push_back(x * (a[0] + a[1] + a[2]) / 3);
  const Importance w = Importance::fisher(rows, cols);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      const double scale = static_cast<double>(w.row_scale()[i]) * static_cast<double>(w.col_scale()[j]);
      EXPECT_NEAR(scale * scale, a[i] * b[j], 1e-6 * a[i] * b[j]);
      const ErrorWeights e = w.error_weights();
      EXPECT_NEAR(static_cast<double>(e.rows[i]) * static_cast<double>(e.cols[j]), a[i] * b[j],
                  1e-6 * a[i] * b[j]);
    }
  }
}

TEST(Importance, ZerosGetAFloorAndAllZerosMatterTheSame) {
  const Importance w = Importance::fisher({0.0, 1.0}, {1.0, 0.0});
  EXPECT_GT(w.row_scale()[0], 0.0F);
  EXPECT_LT(w.row_scale()[0], 2e-3F * w.row_scale()[1]);
  EXPECT_GT(w.col_scale()[1], 0.0F);
  EXPECT_TRUE(Importance::fisher({0.0, 0.0}, {0.0, 0.0}).plain());
  EXPECT_TRUE(Importance().plain());
  EXPECT_EQ(Importance().error_weights().rows, nullptr);
}

TEST(Importance, OneSideMayBeMissing) {
  const Importance w = Importance::diagonal({}, {1.0F, 2.0F});
  EXPECT_EQ(w.row_scale(), nullptr);
  EXPECT_FLOAT_EQ(w.col_scale()[1], 2.0F);
  EXPECT_EQ(w.error_weights().rows, nullptr);
  EXPECT_FLOAT_EQ(w.error_weights().cols[1], 4.0F);
  EXPECT_NO_THROW(w.check_shape(5, 2));
  EXPECT_THROW(w.check_shape(5, 3), Error);
}

TEST(Importance, RefusesWhatIsNoWeight) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {-1.0, nan, std::numeric_limits<double>::infinity()}) {
    try {
      Importance::fisher({1.0, bad}, {1.0});
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      EXPECT_NE(std::string(e.what()).find("row mean 1"), std::string::npos);
    }
    EXPECT_THROW(Importance::diagonal({}, {static_cast<float>(bad)}), Error);
  }
}

}  // namespace
}  // namespace lq
