// Dropout before low-rank parts: its rate, what the mask depends on, and the layer's gradients under it.
#include "nn/lora_dropout.h"

#include <gtest/gtest.h>

#include "base/progress.h"
#include "nn/dense_weight.h"
#include "nn/linear.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using reference::normals;
using reference::relative_difference;

struct DropoutFixture {
  ThreadPool pool;
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  explicit DropoutFixture(int threads = 2) : pool(threads) {}
};

std::vector<float> mask(const LoraDropout& dropout, std::string_view module, std::int64_t rows,
                        std::int64_t cols, int threads = 2) {
  DropoutFixture f(threads);
  std::vector<float> x(static_cast<std::size_t>(rows * cols), 1.0F);
  lora_dropout_forward(f.ctx, dropout, module, {x.data(), rows, cols}, {x.data(), rows, cols});
  return x;
}

TEST(LoraDropout, DropsItsRateAndKeepsTheMean) {
  const std::vector<float> m = mask({0.1F, 3, 0}, "q", 1000, 100);
  std::int64_t dropped = 0;
  for (const float v : m) {
    dropped += v == 0.0F ? 1 : 0;
    EXPECT_FLOAT_EQ(v, v == 0.0F ? 0.0F : 1.0F / 0.9F);
  }
  // 100,000 trials at 0.1: standard deviation 95; 6 of them.
  EXPECT_NEAR(static_cast<double>(dropped), 10000.0, 570.0);
}

TEST(LoraDropout, DependsOnSeedDrawAndModuleButNotOnThreads) {
  const LoraDropout dropout{0.5F, 7, 2};
  const auto m = mask(dropout, "layers.0.q", 300, 77);
  EXPECT_EQ(m, mask(dropout, "layers.0.q", 300, 77, 1));
  EXPECT_EQ(m, mask(dropout, "layers.0.q", 300, 77, 7));
  for (const auto& other :
       {mask({0.5F, 8, 2}, "layers.0.q", 300, 77), mask({0.5F, 7, 3}, "layers.0.q", 300, 77),
        mask(dropout, "layers.0.k", 300, 77)}) {
    std::int64_t equal = 0;
    for (std::size_t i = 0; i < m.size(); ++i) equal += m[i] == other[i] ? 1 : 0;
    // Independent fair coins agree half the time: 23,100 of them have a standard deviation of 76.
    EXPECT_NEAR(static_cast<double>(equal), 11550.0, 456.0);
  }
}

TEST(LoraDropout, RefusesRatesThatAreNone) {
  EXPECT_THROW(mask({1.0F, 0, 0}, "q", 2, 2), Error);
  EXPECT_THROW(mask({-0.1F, 0, 0}, "q", 2, 2), Error);
}

// With dropout the layer is the one without it on a masked input, but for the weight beside it.
TEST(LoraDropout, LayerComputesWithTheMaskedInput) {
  constexpr std::int64_t kIn = 24, kOut = 17, kRank = 3;
  for (const std::int64_t rows : {1, 2, 9}) {
    DropoutFixture f;
    Parameter w, zero;
    w.value = Tensor::empty(DType::kF32, {kOut, kIn});
    const auto values = normals(kIn * kOut, 1);
    std::copy(values.begin(), values.end(), w.value.mutable_data<float>());
    zero.value = Tensor::zeros(DType::kF32, {kOut, kIn});
    const auto layer = [&](Parameter& weight) {
      Linear linear("m", std::make_unique<DenseWeight>(weight));
      auto lora = std::make_unique<Lora>();
      for (Parameter* p : {&lora->a, &lora->b}) {
        p->value = p == &lora->a ? Tensor::empty(DType::kF32, {kRank, kIn})
                                 : Tensor::empty(DType::kF32, {kOut, kRank});
        const auto v = normals(static_cast<std::size_t>(p->value.numel()), p == &lora->a ? 2 : 3);
        std::copy(v.begin(), v.end(), p->value.mutable_data<float>());
        p->make_trainable();
      }
      lora->scaling = 0.5F;
      linear.set_lora(std::move(lora));
      return linear;
    };
    const LoraDropout dropout{0.4F, 11, 5};
    Linear with = layer(w);
    with.set_lora_dropout(&dropout);
    Linear low = layer(zero);  // the low-rank part alone

    auto x = normals(static_cast<std::size_t>(rows * kIn), 4);
    auto masked = x;
    lora_dropout_forward(f.ctx, dropout, "m", {masked.data(), rows, kIn}, {masked.data(), rows, kIn});
    const auto dy = normals(static_cast<std::size_t>(rows * kOut), 5);
    std::vector<float> y(dy.size()), want(dy.size()), wx(dy.size());
    with.forward(f.ctx, f.ws, {x.data(), rows, kIn}, {y.data(), rows, kOut});
    low.forward(f.ctx, f.ws, {masked.data(), rows, kIn}, {want.data(), rows, kOut});
    with.weight().forward(f.ctx, f.ws, {x.data(), rows, kIn}, {wx.data(), rows, kOut});
    for (std::size_t i = 0; i < want.size(); ++i) want[i] += wx[i];
    EXPECT_LT(relative_difference(y, want), 1e-6);

    std::vector<float> dx(x.size()), dlow(x.size()), dw(x.size());
    with.backward(f.ctx, f.ws, {x.data(), rows, kIn}, {dy.data(), rows, kOut}, {dx.data(), rows, kIn}, false);
    low.backward(f.ctx, f.ws, {masked.data(), rows, kIn}, {dy.data(), rows, kOut}, {dlow.data(), rows, kIn},
                 false);
    lora_dropout_forward(f.ctx, dropout, "m", {dlow.data(), rows, kIn}, {dlow.data(), rows, kIn});
    with.weight().backward_input(f.ctx, {dy.data(), rows, kOut}, {dw.data(), rows, kIn}, false);
    for (std::size_t i = 0; i < dw.size(); ++i) dw[i] += dlow[i];
    EXPECT_LT(relative_difference(dx, dw), 1e-6);
    EXPECT_EQ(relative_difference(with.lora()->a.grads(), low.lora()->a.grads()), 0.0);
    EXPECT_EQ(relative_difference(with.lora()->b.grads(), low.lora()->b.grads()), 0.0);
  }
}

}  // namespace
}  // namespace lq
