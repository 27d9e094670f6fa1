#include "train/gradients.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"

namespace lq {
namespace {

Parameter with_gradient(ThreadPool& pool, const char* name, std::int64_t count) {
  Parameter p;
  p.name = name;
  p.value = Tensor::zeros(DType::kF32, {count});
  p.make_trainable();
  Rng(3, stream_of(name)).fill_normal(pool, p.grad.mutable_data<float>(), count);
  return p;
}

TEST(Gradients, NormIsThatOfOneLongVectorOnAnyNumberOfThreads) {
  ThreadPool one(1);
  Parameter a = with_gradient(one, "a", 200'001);
  Parameter b = with_gradient(one, "b", 37);
  long double sum = 0;
  for (Parameter* p : {&a, &b}) {
    for (const float g : p->grads()) sum += static_cast<long double>(g) * g;
  }
  const double expected = std::sqrt(static_cast<double>(sum));
  NoProgress progress;
  Context ctx{one, progress, 0, {}};
  const double norm = gradient_norm(ctx, {&a, &b});
  // 2e5 additions of positive doubles in a tree of four and chunks.
  EXPECT_NEAR(norm, expected, 1e-11 * expected);
  for (const int threads : {2, 7}) {
    ThreadPool pool(threads);
    Context other{pool, progress, 0, {}};
    EXPECT_EQ(gradient_norm(other, {&a, &b}), norm);
  }
}

TEST(Gradients, ClippingBringsTheNormToTheBound) {
  EXPECT_EQ(clip_factor(0.5, 1.0), 1.0);
  EXPECT_NEAR(clip_factor(4.0, 1.0) * 4.0, 1.0, 1e-6);
  EXPECT_EQ(clip_factor(400.0, 0.0), 1.0);
}

TEST(Gradients, NotFiniteOnesAreNamed) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter a = with_gradient(pool, "a", 40);
  Parameter b = with_gradient(pool, "b", 40);
  EXPECT_TRUE(not_finite_gradients(ctx, {&a, &b}).empty());
  b.grad.mutable_data<float>()[39] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(not_finite_gradients(ctx, {&a, &b}), std::vector<std::string>{"b"});
  EXPECT_FALSE(std::isfinite(gradient_norm(ctx, {&a, &b})));
  b.grad.mutable_data<float>()[39] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(std::isfinite(gradient_norm(ctx, {&a, &b})));
}

}  // namespace
}  // namespace lq
