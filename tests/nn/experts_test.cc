// Experts against the sum that they are by definition; whole models stand against transformers.
#include "nn/experts.h"

#include <gtest/gtest.h>

#include <map>

#include "base/progress.h"
#include "nn/dense_weight.h"
#include "reference/numbers.h"

namespace lq {
namespace {

constexpr std::int64_t kWide = 6, kNarrow = 4, kMany = 5, kTwo = 2, kSeen = 9;

struct ExpertCase {
  ThreadPool pool{2};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  Parameter router;
  std::vector<Parameter> weights = std::vector<Parameter>(3 * kMany);
  std::vector<Parameter> biases = std::vector<Parameter>(3 * kMany + 1);  // the last is the router's
  std::vector<float> x = reference::normals(kSeen * kWide, 50);
  std::vector<float> dy = reference::normals(kSeen * kWide, 51);

  ExpertCase() {
    set(router, kMany, kWide, 1);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const bool down = i % 3 == 2;
      set(weights[i], down ? kWide : kNarrow, down ? kNarrow : kWide, i + 2);
      set_vector(biases[i], down ? kWide : kNarrow, i + 100);
    }
    set_vector(biases.back(), kMany, 99);
  }
  static void set(Parameter& p, std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
    p.value = Tensor::empty(DType::kF32, {rows, cols});
    const auto v = reference::normals(static_cast<std::size_t>(rows * cols), stream, 0.7F);
    std::copy(v.begin(), v.end(), p.value.mutable_data<float>());
  }
  static void set_vector(Parameter& p, std::int64_t size, std::uint64_t stream) {
    p.value = Tensor::empty(DType::kF32, {size});
    const auto v = reference::normals(static_cast<std::size_t>(size), stream, 0.7F);
    std::copy(v.begin(), v.end(), p.value.mutable_data<float>());
  }
  static Linear linear(std::string name, Parameter& p, Parameter* bias) {
    return {std::move(name), std::make_unique<DenseWeight>(p), bias};
  }
  // With biases and cut gates, as gpt-oss has them.
  Experts biased() {
    Experts all{linear("router", router, &biases.back()), {}, kTwo, true};
    for (std::size_t i = 0; i < weights.size(); i += 3) {
      const auto part = [&](std::size_t j) { return linear("e", weights[i + j], &biases[i + j]); };
      all.experts.push_back(
          {Projections::apart(part(0), part(1)), part(2), Activation::kSilu, GateClamp{1.702F, 1.5F}});
    }
    return all;
  }
  static Linear linear(std::string name, Parameter& p) {
    return {std::move(name), std::make_unique<DenseWeight>(p)};
  }
  Experts experts(bool normalized) {
    Experts all{linear("router", router), {}, kTwo, normalized};
    for (std::size_t e = 0; e < kMany; ++e) {
      const std::string name = std::to_string(e);
      all.experts.push_back(
          {Projections::apart(linear(name, weights[3 * e]), linear(name, weights[3 * e + 1])),
           linear(name, weights[3 * e + 2]), Activation::kSilu});
    }
    return all;
  }
  ConstMatrix in() const { return {x.data(), kSeen, kWide}; }

  double run(Experts& all, std::vector<float>* y_out, std::vector<float>* dx) {
    Scratch scratch(ws);
    ExpertsTape tape;
    tape.shares = scratch.matrix(kSeen, kMany);
    tape.weights = scratch.matrix(kSeen, kTwo);
    tape.inner = {scratch.matrix(kSeen * kTwo, kNarrow), scratch.matrix(kSeen * kTwo, kNarrow)};
    std::vector<float> y(x.size());
    all.project(ctx, ws, in(), tape);
    all.finish(ctx, ws, tape, {y.data(), kSeen, kWide});
    if (dx != nullptr) {
      dx->resize(x.size());
      all.backward(ctx, ws, in(), tape, {dy.data(), kSeen, kWide}, {dx->data(), kSeen, kWide});
    }
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * dy[i];
    if (y_out != nullptr) *y_out = y;
    return sum;
  }
};

TEST(Experts, GradientsOfEverythingEqualDifferences) {
  for (const bool normalized : {false, true}) {
    ExpertCase c;
    c.router.make_trainable();
    for (Parameter& p : c.weights) p.make_trainable();
    Experts all = c.experts(normalized);
    std::vector<float> dx;
    c.run(all, nullptr, &dx);
    const auto slope = [&](float& at) {
      constexpr float kStep = 1.0F / 256.0F;  // small: another expert must not be chosen
      const float was = at;
      at = was + kStep;
      const double above = c.run(all, nullptr, nullptr);
      at = was - kStep;
      const double below = c.run(all, nullptr, nullptr);
      at = was;
      return (above - below) / (2.0 * kStep);
    };
    for (std::size_t i = 0; i < dx.size(); ++i) EXPECT_NEAR(dx[i], slope(c.x[i]), 4e-3) << i;
    for (std::int64_t i = 0; i < c.router.grad.numel(); ++i) {
      EXPECT_NEAR(c.router.grad.data<float>()[i], slope(c.router.value.mutable_data<float>()[i]), 4e-3) << i;
    }
    for (Parameter& p : c.weights) {
      for (std::int64_t i = 0; i < p.grad.numel(); ++i) {
        EXPECT_NEAR(p.grad.data<float>()[i], slope(p.value.mutable_data<float>()[i]), 4e-3) << i;
      }
    }
  }
}

TEST(Experts, GradientsOfBiasesAndCutGatesEqualDifferences) {
  ExpertCase c;
  for (auto* group : {&c.weights, &c.biases}) {
    for (Parameter& p : *group) p.make_trainable();
  }
  Experts all = c.biased();
  std::vector<float> dx;
  c.run(all, nullptr, &dx);
  const auto slope = [&](float& at) {
    constexpr float kStep = 1.0F / 1024.0F;  // smaller: a number must not reach the limit
    const float was = at;
    at = was + kStep;
    const double above = c.run(all, nullptr, nullptr);
    at = was - kStep;
    const double below = c.run(all, nullptr, nullptr);
    at = was;
    return (above - below) / (2.0 * kStep);
  };
  for (std::size_t i = 0; i < dx.size(); ++i) EXPECT_NEAR(dx[i], slope(c.x[i]), 1e-2) << i;
  for (auto* group : {&c.weights, &c.biases}) {
    for (Parameter& p : *group) {
      for (std::int64_t i = 0; i < p.grad.numel(); ++i) {
        EXPECT_NEAR(p.grad.data<float>()[i], slope(p.value.mutable_data<float>()[i]), 1e-2) << i;
      }
    }
  }
}

TEST(Experts, AnExpertThatIsAloneIsItselfAlone) {
  ExpertCase c;
  Experts all = c.experts(true);
  for (std::size_t e = 0; e < kMany; ++e) {  // all the same: weights that sum to 1 change nothing
    for (std::size_t part = 0; part < 3; ++part) {
      std::copy_n(c.weights[part].value.data<float>(), c.weights[part].value.numel(),
                  c.weights[3 * e + part].value.mutable_data<float>());
    }
  }
  std::vector<float> y, want(c.x.size());
  c.run(all, &y, nullptr);
  Scratch scratch(c.ws);
  const MlpTape tape{scratch.matrix(kSeen, kNarrow), scratch.matrix(kSeen, kNarrow)};
  all.experts[0].project(c.ctx, c.ws, c.in(), tape);
  all.experts[0].finish(c.ctx, c.ws, tape, {want.data(), kSeen, kWide});
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], want[i], 1e-5) << i;
}

// What hooks are told: every expert's tokens, rising, each token with two experts.
TEST(Experts, HooksLearnWhichTokensAnExpertSees) {
  struct Seen final : LinearHook {
    std::map<std::string, std::vector<std::int32_t>> tokens;
    void on_forward(Context&, const Linear& linear, ConstMatrix x, Tokens t) override {
      EXPECT_EQ(std::ssize(t), x.rows);
      tokens[linear.name()].assign(t.begin(), t.end());
    }
  } hook;
  ExpertCase c;
  Experts all = c.experts(true);
  for (Mlp& e : all.experts) e.down.set_hook(&hook);
  c.run(all, nullptr, nullptr);
  std::map<std::int32_t, int> times;
  for (const auto& [name, tokens] : hook.tokens) {
    EXPECT_TRUE(std::ranges::is_sorted(tokens));
    for (const std::int32_t t : tokens) ++times[t];
  }
  ASSERT_EQ(std::ssize(times), kSeen);
  for (const auto& [token, count] : times) EXPECT_EQ(count, kTwo) << token;
}

}  // namespace
}  // namespace lq
