#include "train/gradient_arena.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

Parameter learning(const char* name, Shape shape) {
  Parameter p;
  p.name = name;
  p.value = Tensor::zeros(DType::kF32, std::move(shape));
  p.make_trainable();
  return p;
}

TEST(GradientArena, GradientsAreConsecutiveSlices) {
  Parameter a = learning("a", {3, 5});
  Parameter b = learning("b", {16});
  Parameter c = learning("c", {1, 17});
  a.grad.mutable_data<float>()[0] = 9.0F;
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  {
    GradientArena arena(ctx, {&a, &b, &c});
    EXPECT_EQ(arena.size(), 16 + 16 + 32);
    EXPECT_EQ(arena.size(), GradientArena::size_for({&a, &b, &c}));
    float* const all = arena.all().data;
    EXPECT_EQ(a.grad.data<float>(), all);
    EXPECT_EQ(b.grad.data<float>(), all + 16);
    EXPECT_EQ(c.grad.data<float>(), all + 32);
    EXPECT_EQ(a.grad.shape(), (Shape{3, 5}));
    EXPECT_EQ(all[0], 0.0F);  // clear from the start
    b.grads()[15] = 2.0F;
    EXPECT_EQ(all[31], 2.0F);
    Tensor other = arena.another();
    arena.exchange(other);
    EXPECT_EQ(other.data<float>()[31], 2.0F);
    EXPECT_EQ(b.grad.data<float>(), arena.all().data + 16);
    arena.clear(ctx);
    EXPECT_EQ(b.grads()[15], 0.0F);
    EXPECT_EQ(other.data<float>()[31], 2.0F);
  }
  c.grads()[16] = 1.0F;  // the storage is still there
  EXPECT_TRUE(c.trainable());
}

TEST(GradientArena, NamesWhatDoesNotLearn) {
  Parameter a = learning("a", {2});
  Parameter b = learning("b", {2});
  b.freeze();
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  try {
    GradientArena arena(ctx, {&a, &b});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(" b "), std::string::npos) << e.what();
  }
  EXPECT_TRUE(a.trainable());
}

}  // namespace
}  // namespace lq
