#include "quant/quantizer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/error.h"

namespace lq {
namespace {

// The least that a quantizer of one's own has to be.
class Halver final : public Quantizer {
 public:
  void round_trip(ThreadPool& /*pool*/, const float* w, std::int64_t rows, std::int64_t cols,
                  float* q) const override {
    for (std::int64_t i = 0; i < rows * cols; ++i) q[i] = w[i] / 2;
  }
  double bits_per_weight() const override { return 32; }
  std::string name() const override { return "halver"; }
};

TEST(Quantizer, OneOfOnesOwnIgnoresWeightsAndHasNoStoredForm) {
  ThreadPool pool(1);
  const std::vector<float> w = {1, 2, 3, 4};
  const std::vector<float> importance = {1, 5};
  std::vector<float> q(4);
  const Halver halver;
  halver.round_trip_weighted(pool, w.data(), 2, 2, q.data(), {.rows = importance.data()});
  EXPECT_EQ(q, (std::vector<float>{0.5F, 1, 1.5F, 2}));
  EXPECT_EQ(halver.feedback(), Feedback::kOff);
  try {
    halver.pack(pool, w.data(), 2, 2);
    ADD_FAILURE() << "packed";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("halver"), std::string::npos);
  }
  EXPECT_THROW(halver.without_feedback(), Error);
}

TEST(RequireFinite, NamesTheTensorAndTheFirstElement) {
  ThreadPool pool(2);
  std::vector<float> w(1000 * 900, 1e15F);
  EXPECT_NO_THROW(require_finite(pool, w.data(), 1000, 900, "layer.weight"));
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::size_t at : {0U, 17U, 900U * 700U + 3U, 1000U * 900U - 1U}) {
      w[at] = bad;
      w.back() = std::numeric_limits<float>::quiet_NaN();
      try {
        require_finite(pool, w.data(), 1000, 900, "layer.weight");
        ADD_FAILURE() << at;
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
        const std::string where =
            "layer.weight: element [" + std::to_string(at / 900) + ", " + std::to_string(at % 900) + "]";
        EXPECT_EQ(std::string(e.what()).rfind(where, 0), 0U) << e.what();
      }
      w[at] = 1.0F;
      w.back() = 1.0F;
    }
  }
}

TEST(RequireFinite, RefusesMagnitudesWhoseSquaresAreLost) {
  ThreadPool pool(2);
  std::vector<float> w(1000 * 900, 0.0F);
  const auto refused = [&] {
    try {
      require_finite(pool, w.data(), 1000, 900, "layer.weight");
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(refused(), "none") << "a matrix of zeros";
  for (const float good : {1e-15F, -1e-15F, 0.1F, -1e15F}) {
    w[700'001] = good;
    EXPECT_EQ(refused(), "none") << good;
  }
  w[3] = 1e-40F;
  EXPECT_EQ(refused(), "none") << "small entries beside others";
  for (const float bad : {1e-45F, -9e-16F, 2e15F, -3e38F}) {
    w[3] = 0.0F;
    w[700'001] = bad;
    EXPECT_EQ(refused().rfind("layer.weight: the largest magnitude is ", 0), 0U) << refused();
  }
}

}  // namespace
}  // namespace lq
