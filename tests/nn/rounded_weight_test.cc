// The 8-bit copy of a dense weight: used for one vector in a fast context only, near the weight, and made
// again from a weight that was replaced.
#include "nn/rounded_weight.h"

#include <gtest/gtest.h>

#include <vector>

#include "backends/cpu/byte_matrix.h"
#include "base/progress.h"
#include "reference/numbers.h"

namespace lq {
namespace {

constexpr std::int64_t kRows = 50;

class RoundedWeightTest : public testing::Test {
 protected:
  static Tensor random(std::int64_t cols, std::uint64_t stream) {
    Tensor t = Tensor::empty(DType::kF32, {kRows, cols});
    const auto values = reference::normals(static_cast<std::size_t>(t.numel()), stream);
    std::copy(values.begin(), values.end(), t.mutable_data<float>());
    return t;
  }

  std::vector<float> product(const Weight& weight, DecodePrecision precision, std::int64_t count = 1) {
    Context ctx{pool_, progress_, 0, {}, precision};
    const auto x = reference::normals(static_cast<std::size_t>(count * weight.cols()), 9);
    std::vector<float> y(static_cast<std::size_t>(count * kRows));
    Workspace ws;
    weight.forward(ctx, ws, {x.data(), count, weight.cols()}, {y.data(), count, kRows});
    return y;
  }

  ThreadPool pool_{2};
  NoProgress progress_;
};

TEST_F(RoundedWeightTest, OneVectorInAFastContextIsRounded) {
  Parameter p{"lm_head.weight", random(128, 1), {}};
  const DenseWeight dense(p);
  const RoundedWeight rounded(p);
  const auto want = product(dense, DecodePrecision::kFine);
  EXPECT_EQ(product(rounded, DecodePrecision::kFine), want);
  EXPECT_EQ(product(rounded, DecodePrecision::kFast, 3), product(dense, DecodePrecision::kFine, 3));
  const double off = reference::relative_difference(product(rounded, DecodePrecision::kFast), want);
  if (backends::byte_gemv_has(128)) {
    EXPECT_GT(off, 1e-4);
  }
  EXPECT_LT(off, 0.012);
}

TEST_F(RoundedWeightTest, FollowsAWeightThatIsReplaced) {
  Parameter p{"lm_head.weight", random(128, 1), {}};
  const RoundedWeight rounded(p);
  const auto before = product(rounded, DecodePrecision::kFast);
  p.value = random(128, 2);
  const auto after = product(rounded, DecodePrecision::kFast);
  EXPECT_LT(reference::relative_difference(after, product(rounded, DecodePrecision::kFine)), 0.012);
  EXPECT_GT(reference::relative_difference(after, before), 0.1);
}

TEST_F(RoundedWeightTest, NotWhileItLearnsNorForOddRows) {
  Parameter p{"lm_head.weight", random(128, 1), {}};
  p.make_trainable();
  const RoundedWeight learning(p);
  EXPECT_EQ(product(learning, DecodePrecision::kFast), product(learning, DecodePrecision::kFine));
  Parameter q{"lm_head.weight", random(96, 1), {}};
  const RoundedWeight odd(q);
  EXPECT_EQ(product(odd, DecodePrecision::kFast), product(odd, DecodePrecision::kFine));
}

}  // namespace
}  // namespace lq
