// Weights with lengths of their own: m / lengths, and a linear layer with them against sums in double.
#include "nn/magnitude.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "base/progress.h"
#include "nn/dense_weight.h"
#include "nn/linear.h"
#include "reference/numbers.h"

namespace lq {
namespace {

constexpr std::int64_t kFrom = 7, kTo = 5, kLow = 2, kBatch = 6;

Tensor random_tensor(const Shape& shape, std::uint64_t stream) {
  Tensor t = Tensor::empty(DType::kF32, shape);
  const auto values = reference::normals(static_cast<std::size_t>(t.numel()), stream);
  std::copy(values.begin(), values.end(), t.mutable_data<float>());
  return t;
}

TEST(Magnitude, TakesTheLengthsWhereItHasNone) {
  ThreadPool pool(1);
  Magnitude magnitude;
  magnitude.set_lengths(pool, random_tensor({4}, 1));
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_EQ(magnitude.factors.data<float>()[i], 1.0F);
  const float kept = magnitude.m.value.data<float>()[2];
  magnitude.set_lengths(pool, random_tensor({4}, 2));
  EXPECT_EQ(magnitude.m.value.data<float>()[2], kept);
  EXPECT_EQ(magnitude.factors.data<float>()[2], kept / magnitude.lengths.data<float>()[2]);
}

class MagnitudeLinearTest : public testing::Test {
 protected:
  MagnitudeLinearTest() : linear_("l", dense(), &bias_) {
    auto lora = std::make_unique<Lora>();
    lora->a.value = random_tensor({kLow, kFrom}, 2);
    lora->b.value = random_tensor({kTo, kLow}, 3);
    lora->scaling = 0.7F;
    lora->magnitude = std::make_unique<Magnitude>();
    lora->magnitude->m.value = random_tensor({kTo}, 4);
    linear_.set_lora(std::move(lora));
    linear_.update_magnitude(ctx_);
  }
  std::unique_ptr<Weight> dense() {
    w_.value = random_tensor({kTo, kFrom}, 1);
    bias_.value = random_tensor({kTo}, 5);
    return std::make_unique<DenseWeight>(w_);
  }
  double low_rank_weight(std::int64_t i, std::int64_t j) const {
    const Lora& lora = *linear_.lora();
    double sum = w_.value.data<float>()[i * kFrom + j];
    for (std::int64_t r = 0; r < kLow; ++r) {
      sum += lora.scaling * double{lora.b.value.data<float>()[i * kLow + r]} *
             double{lora.a.value.data<float>()[r * kFrom + j]};
    }
    return sum;
  }
  double length(std::int64_t i) const {
    double sum = 0.0;
    for (std::int64_t j = 0; j < kFrom; ++j) sum += low_rank_weight(i, j) * low_rank_weight(i, j);
    return std::sqrt(sum);
  }
  double m(std::int64_t i) const { return linear_.lora()->magnitude->m.value.data<float>()[i]; }
  std::vector<float> forward(const std::vector<float>& x) {
    std::vector<float> y(static_cast<std::size_t>(kBatch * kTo));
    linear_.forward(ctx_, ws_, {x.data(), kBatch, kFrom}, {y.data(), kBatch, kTo});
    return y;
  }

  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  Workspace ws_;
  Parameter w_, bias_;
  Linear linear_;
};

TEST_F(MagnitudeLinearTest, EqualsTheSumInDouble) {
  const auto x = reference::normals(kBatch * kFrom, 9);
  for (std::int64_t rows : {std::int64_t{1}, kBatch}) {
    std::vector<float> y(static_cast<std::size_t>(rows * kTo));
    linear_.forward(ctx_, ws_, {x.data(), rows, kFrom}, {y.data(), rows, kTo});
    for (std::int64_t t = 0; t < rows; ++t) {
      for (std::int64_t i = 0; i < kTo; ++i) {
        double want = 0.0;
        for (std::int64_t j = 0; j < kFrom; ++j) {
          want += low_rank_weight(i, j) * double{x[static_cast<std::size_t>(t * kFrom + j)]};
        }
        want = want * m(i) / length(i) + bias_.value.data<float>()[i];
        EXPECT_NEAR(y[static_cast<std::size_t>(t * kTo + i)], want, 1e-4 * (1.0 + std::abs(want)));
      }
    }
  }
}

// Against differences of the sum of dy * y, with the lengths held as they are.
TEST_F(MagnitudeLinearTest, BackwardEqualsDifferences) {
  Lora& lora = *linear_.lora();
  for (Parameter* p : {&w_, &bias_, &lora.a, &lora.b, &lora.magnitude->m}) p->make_trainable();
  auto x = reference::normals(kBatch * kFrom, 9);
  const auto dy = reference::normals(kBatch * kTo, 10);
  const auto loss = [&] {
    double sum = 0.0;
    const auto y = forward(x);
    for (std::size_t i = 0; i < y.size(); ++i) sum += double{dy[i]} * double{y[i]};
    return sum;
  };
  std::vector<float> dx(x.size());
  linear_.backward(ctx_, ws_, {x.data(), kBatch, kFrom}, {dy.data(), kBatch, kTo}, {dx.data(), kBatch, kFrom},
                   false);
  const auto check = [&](float& value, float gradient, const char* what) {
    constexpr float kStep = 1e-2F;
    const float kept = value;
    // Only m changes the factors.
    const auto at = [&](float v) {
      value = v;
      Tensor lengths = Tensor::empty(DType::kF32, {kTo});
      std::copy_n(lora.magnitude->lengths.raw(), lengths.bytes(), lengths.mutable_raw());
      lora.magnitude->set_lengths(pool_, std::move(lengths));
      return loss();
    };
    const double difference = (at(kept + kStep) - at(kept - kStep)) / (2.0 * double{kStep});
    at(kept);
    EXPECT_NEAR(gradient, difference, 2e-2 * (1.0 + std::abs(difference))) << what;
  };
  check(w_.value.mutable_data<float>()[3], w_.grad.data<float>()[3], "w");
  check(bias_.value.mutable_data<float>()[1], bias_.grad.data<float>()[1], "bias");
  check(lora.a.value.mutable_data<float>()[4], lora.a.grad.data<float>()[4], "A");
  check(lora.b.value.mutable_data<float>()[5], lora.b.grad.data<float>()[5], "B");
  check(lora.magnitude->m.value.mutable_data<float>()[2], lora.magnitude->m.grad.data<float>()[2], "m");
  check(x[8], dx[8], "x");
}

}  // namespace
}  // namespace lq
