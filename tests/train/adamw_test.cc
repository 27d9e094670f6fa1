#include "train/adamw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "formats/safetensors_writer.h"

namespace lq {
namespace {

Parameter parameter(ThreadPool& pool, const std::string& name, std::int64_t count) {
  Parameter p;
  p.name = name;
  p.value = Tensor::empty(DType::kF32, {count});
  Rng(1, stream_of(name)).fill_normal(pool, p.value.mutable_data<float>(), count);
  p.make_trainable();
  return p;
}

void set_gradient(ThreadPool& pool, Parameter& p, int step) {
  Rng(100 + static_cast<std::uint64_t>(step), stream_of(p.name))
      .fill_normal(pool, p.grad.mutable_data<float>(), p.grad.numel());
}

// The definition, in double.
struct Reference {
  std::vector<double> w, m, v;
  explicit Reference(const Parameter& p)
      : w(p.values().begin(), p.values().end()), m(w.size()), v(w.size()) {}
  void step(const Parameter& p, int t, double lr, double decay, double scale, const AdamWOptions& o) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double g = scale * static_cast<double>(p.grad.data<float>()[i]);
      w[i] *= 1.0 - lr * decay;
      m[i] = o.beta1 * m[i] + (1.0 - o.beta1) * g;
      v[i] = o.beta2 * v[i] + (1.0 - o.beta2) * g * g;
      const double mean = m[i] / (1.0 - std::pow(o.beta1, t));
      const double square = v[i] / (1.0 - std::pow(o.beta2, t));
      w[i] -= lr * mean / (std::sqrt(square) + o.eps);
    }
  }
};

TEST(AdamW, EqualsItsDefinitionInDouble) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter p = parameter(pool, "p", 5000);
  Parameter q = parameter(pool, "q", 33);
  Reference rp(p), rq(q);
  const AdamWOptions options;
  AdamW adam({{&p, 1.0, 0.1}, {&q, 16.0, 0.0}}, options);
  const double lr = 1e-2;
  constexpr int kSteps = 20;
  for (int t = 1; t <= kSteps; ++t) {
    set_gradient(pool, p, t);
    set_gradient(pool, q, t);
    adam.step(ctx, lr, 0.5);
    rp.step(p, t, lr, 0.1, 0.5, options);
    rq.step(q, t, 16 * lr, 0.0, 0.5, options);
  }
  EXPECT_EQ(adam.steps(), kSteps);
  const float eps = std::numeric_limits<float>::epsilon();
  // A step rounds w once, and the update (at most about lr sqrt(t)) in some ten operations.
  for (std::size_t i = 0; i < rp.w.size(); ++i) {
    const double bound = kSteps * eps * (2 * std::abs(rp.w[i]) + 2 + 10 * lr * std::sqrt(kSteps));
    ASSERT_NEAR(p.values()[i], rp.w[i], bound);
  }
  for (std::size_t i = 0; i < rq.w.size(); ++i) {
    const double bound = kSteps * eps * (2 * std::abs(rq.w[i]) + 2 + 160 * lr * std::sqrt(kSteps));
    ASSERT_NEAR(q.values()[i], rq.w[i], bound);
  }
}

TEST(AdamW, SameBitsOnAnyNumberOfThreads) {
  for (const bool eight_bit : {false, true}) {
    std::vector<float> first;
    for (const int threads : {1, 2, 7}) {
      ThreadPool pool(threads);
      NoProgress progress;
      Context ctx{pool, progress, 0, {}};
      Parameter p = parameter(pool, "p", 70'001);
      AdamW adam({{&p}}, {.eight_bit = eight_bit});
      for (int t = 0; t < 3; ++t) {
        set_gradient(pool, p, t);
        adam.step(ctx, 1e-3, 1.0);
      }
      const std::vector<float> values(p.values().begin(), p.values().end());
      if (first.empty()) first = values;
      EXPECT_EQ(std::memcmp(values.data(), first.data(), values.size() * sizeof(float)), 0);
    }
  }
}

TEST(AdamW, EightBitMomentsFollowThoseInF32) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter p = parameter(pool, "p", 8192);
  Parameter q = parameter(pool, "p", 8192);
  AdamW full({{&p}}, {});
  AdamW packed({{&q}}, {.eight_bit = true});
  EXPECT_EQ(full.bytes(), 8 * 8192);
  EXPECT_EQ(packed.bytes(), 2 * 8192 + 2 * 4 * 8192 / kMomentBlock);
  const double lr = 1e-3;
  double difference = 0.0;
  double moved = 0.0;
  const std::vector<float> start(p.values().begin(), p.values().end());
  for (int t = 0; t < 50; ++t) {
    set_gradient(pool, p, t);
    set_gradient(pool, q, t);
    full.step(ctx, lr, 1.0);
    packed.step(ctx, lr, 1.0);
  }
  for (std::size_t i = 0; i < start.size(); ++i) {
    difference += std::pow(p.values()[i] - q.values()[i], 2);
    moved += std::pow(p.values()[i] - start[i], 2);
  }
  EXPECT_GT(difference, 0.0);
  // Codes are off by at most 0.9 / 128 of a block's largest, about 3.5 deviations: 2.5 % of a deviation, anew
  // in each step; roots of v by half its 1 %.
  EXPECT_LT(std::sqrt(difference / moved), 0.05);
}

TEST(AdamW, SmallParametersKeepF32Moments) {
  ThreadPool pool(1);
  Parameter p = parameter(pool, "norm", 256);
  EXPECT_EQ(AdamW({{&p}}, {.eight_bit = true}).bytes(), 8 * 256);
}

TEST(AdamW, GoesOnFromItsState) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const auto file = std::filesystem::path(testing::TempDir()) / "lq_adamw_state.safetensors";
  for (const bool eight_bit : {false, true}) {
    Parameter p = parameter(pool, "p", 5000);
    Parameter q = parameter(pool, "p", 5000);
    AdamW adam({{&p}}, {.eight_bit = eight_bit});
    AdamW other({{&q}}, {.eight_bit = eight_bit});
    for (int t = 0; t < 3; ++t) {
      set_gradient(pool, p, t);
      adam.step(ctx, 1e-3, 1.0);
    }
    {
      std::vector<TensorSpec> specs;
      for (const auto& [name, tensor] : adam.state())
        specs.push_back({name, tensor->dtype(), tensor->shape()});
      SafetensorsWriter writer(file, specs);
      for (const auto& [name, tensor] : adam.state()) writer.write(name, *tensor);
      writer.finish();
    }
    other.restore(ctx, SafetensorsReader(file), adam.steps());
    std::memcpy(q.value.mutable_raw(), p.value.raw(), p.value.bytes());
    for (Parameter* x : {&p, &q}) set_gradient(pool, *x, 3);
    adam.step(ctx, 1e-3, 1.0);
    other.step(ctx, 1e-3, 1.0);
    EXPECT_EQ(std::memcmp(p.value.raw(), q.value.raw(), p.value.bytes()), 0);
    Parameter longer = parameter(pool, "p", 5001);
    AdamW third({{&longer}}, {.eight_bit = eight_bit});
    EXPECT_THROW(third.restore(ctx, SafetensorsReader(file), 3), Error);
  }
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace lq
