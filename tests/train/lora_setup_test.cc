#include "train/lora_setup.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/rng.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "train/write_adapter.h"

namespace lq {
namespace {

class LoraSetupTest : public testing::Test {
 protected:
  LoraSetupTest() { reference::write_random_model(pool_, {}, dir_ / "model"); }
  Model load(const std::filesystem::path& adapter = {}) {
    ModelLoadOptions options;
    options.adapter = adapter;
    return Model::load(ctx_, dir_ / "model", options);
  }
  std::vector<float> losses(const Model& model) {
    const std::vector<std::int32_t> ids = {1, 5, 9, 2, 44, 3, 90};
    const std::vector<std::int64_t> starts = {0, 7};
    std::vector<float> out(ids.size());
    Workspace ws;
    model.losses(ctx_, ws, {ids, starts}, next_token_targets({ids, starts}), out);
    return out;
  }
  std::string error_of(const LoraOptions& options, const std::filesystem::path& adapter = {}) {
    Model model = load(adapter);
    try {
      lora_setup(ctx_, model, options);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 3, {}};
};

TEST_F(LoraSetupTest, FromZeroChangesNothingAndAIsUniform) {
  Model model = load();
  const auto before = losses(model);
  const LoraState state = lora_setup(ctx_, model, {.rank = 8, .alpha = 16});
  EXPECT_EQ(losses(model), before);
  EXPECT_EQ(state.trained, 14);
  EXPECT_EQ(state.started, 14);
  EXPECT_EQ(model.trainable().size(), 28u);
  const Lora& lora = *model.find_linear("model.layers.1.mlp.down_proj")->lora();
  EXPECT_EQ(lora.scaling, 2.0F);
  const float bound = 1.0F / std::sqrt(96.0F);
  double square = 0.0;
  for (const float x : lora.a.values()) {
    ASSERT_LE(std::abs(x), bound);
    square += x * x;
  }
  // Of a uniform distribution: bound^2 / 3; the mean of 768 squares deviates by 0.9 bound^2 / 3 / sqrt(768) =
  // 3 %.
  EXPECT_NEAR(square / 768, bound * bound / 3, 5 * 0.033 * bound * bound / 3);
  for (const float x : lora.b.values()) ASSERT_EQ(x, 0.0F);
}

// What the model with the fixed part computes and learns is what it would with both in one part.
TEST_F(LoraSetupTest, BesideIsOnePartOfWhichTheFirstRowsStay) {
  {
    Model model = load();
    const LoraState state =
        lora_setup(ctx_, model, {.targets = {"q_proj", "down_proj"}, .rank = 3, .alpha = 6});
    for (Parameter* p : model.trainable()) {
      Rng(8, stream_of(p->name)).fill_normal(pool_, p->value.mutable_data<float>(), p->value.numel());
    }
    std::filesystem::create_directories(dir_ / "first");
    write_adapter(ctx_, model, state, 0.0, "", "", dir_ / "first");
  }
  Model beside = load(dir_ / "first");
  const auto before = losses(beside);
  const LoraState state = lora_setup(ctx_, beside, {.start = LoraStart::kStacked, .rank = 2, .alpha = 1});
  EXPECT_EQ(losses(beside), before);
  EXPECT_EQ(state.trained, 4);
  EXPECT_EQ(state.started, 4);
  EXPECT_EQ(beside.trainable().size(), 8u);
  for (Parameter* p : beside.trainable()) {
    Rng(9, stream_of(p->name)).fill_normal(pool_, p->value.mutable_data<float>(), p->value.numel());
  }
  std::filesystem::create_directories(dir_ / "both");
  write_adapter(ctx_, beside, state, 0.0, "", "", dir_ / "both");
  EXPECT_EQ(state.specs[0].rank, 5);

  Model joined = load(dir_ / "both");
  lora_setup(ctx_, joined, {});
  const std::vector<std::int32_t> ids = {1, 5, 9, 2, 44, 3, 90};
  const std::vector<std::int64_t> starts = {0, 7};
  const auto backward = [&](Model& model) {
    std::vector<float> out(ids.size());
    Workspace ws;
    ModelTape tape;
    model.losses_backward(ctx_, ws, tape, {ids, starts}, next_token_targets({ids, starts}), 1.0F, out);
    return out;
  };
  const auto one = backward(joined), two = backward(beside);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(two[i], one[i], 1e-4 * (1 + std::abs(one[i])));
  for (const char* module : {"model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"}) {
    const Lora& whole = *joined.find_linear(module)->lora();
    const Lora& part = *beside.find_linear(module)->lora();
    const auto close = [&](const float* a, const float* b, std::int64_t count, std::int64_t stride_a,
                           std::int64_t stride_b, std::int64_t width) {
      double error = 0.0, norm = 0.0;
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t k = 0; k < width; ++k) {
          const double d = a[i * stride_a + k] - b[i * stride_b + k];
          error += d * d;
          norm += static_cast<double>(a[i * stride_a + k]) * a[i * stride_a + k];
        }
      }
      EXPECT_GT(norm, 0.0);
      EXPECT_LT(std::sqrt(error / norm), 1e-4) << module;
    };
    const std::int64_t in = part.a.value.dim(1), out = part.b.value.dim(0);
    close(whole.a.grad.data<float>() + 3 * in, part.a.grad.data<float>(), 2, in, in, in);
    close(whole.b.grad.data<float>() + 3, part.b.grad.data<float>(), out, 5, 2, 2);
    EXPECT_EQ(beside.find_linear(module)->fixed_lora()->a.grad.numel(), 0);
  }
  EXPECT_NE(error_of({.start = LoraStart::kStacked}).find("init stacked: the model has no low-rank part"),
            std::string::npos);
}

TEST_F(LoraSetupTest, TargetsAreNamesEndsAndPatterns) {
  Model model = load();
  const LoraState state = lora_setup(
      ctx_, model,
      {.targets = {"v_proj", "model.layers.0.self_attn.q_proj", R"(.*\.1\.mlp\.(up|gate)_proj)"}, .rank = 4});
  std::vector<std::string> modules;
  for (const LoraSpec& s : state.specs) modules.push_back(s.module);
  EXPECT_EQ(modules,
            (std::vector<std::string>{"model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj",
                                      "model.layers.1.self_attn.v_proj", "model.layers.1.mlp.gate_proj",
                                      "model.layers.1.mlp.up_proj"}));
  EXPECT_NE(error_of({.targets = {"w_proj"}}).find("target w_proj"), std::string::npos);
  io_test::expect_error(ErrorCode::kInvalidArgument, {"target", "regular expression"},
                        [&] { lora_setup(ctx_, model, {.targets = {"("}}); });
  EXPECT_NE(error_of({.rank = 65}).find("rank 65"), std::string::npos);
  // The end of a name is a whole component.
  EXPECT_NE(error_of({.targets = {"_proj"}}).find("target _proj"), std::string::npos);
}

TEST_F(LoraSetupTest, WrittenAdaptersComeBackAndKeepTheFunctionUnderAnotherAlpha) {
  std::filesystem::create_directories(dir_ / "adapter");
  std::vector<float> want;
  for (const bool rslora : {false, true}) {
    {
      Model model = load();
      const LoraState state = lora_setup(
          ctx_, model, {.targets = {"q_proj", "lm_head"}, .rank = 4, .alpha = 6, .rslora = rslora});
      for (Parameter* p : model.trainable()) {
        for (std::int64_t i = 0; i < p->value.numel(); ++i) {
          p->value.mutable_data<float>()[i] = 0.1F * std::sin(static_cast<float>(i));
        }
      }
      want = losses(model);
      write_adapter(ctx_, model, state, 0.0, model.base_hash(ctx_), "base", dir_ / "adapter");
    }
    const PeftAdapterReader reader(dir_ / "adapter");
    EXPECT_EQ(reader.config().alpha, 6);
    EXPECT_EQ(reader.config().use_rslora, rslora);
    EXPECT_EQ(reader.config().base_model, "base");
    Model model = load(dir_ / "adapter");
    EXPECT_EQ(losses(model), want);
    const LoraState state = lora_setup(ctx_, model, {.alpha = 24, .rslora = rslora});
    EXPECT_EQ(state.trained, 3);
    EXPECT_EQ(state.started, 0);
    EXPECT_EQ(state.specs[0].alpha, 24);
    // sqrt(6 / 24) is a power of two: not a bit is lost.
    EXPECT_EQ(losses(model), want);
    EXPECT_NE(error_of({.rank = 5}, dir_ / "adapter").find("rank 5"), std::string::npos);
  }
}

// Their scaling is the adapter's, at any rank.
TEST_F(LoraSetupTest, StackedPartsAreScaledAsTheAdapterIs) {
  std::filesystem::create_directories(dir_ / "adapter");
  {
    Model model = load();
    const LoraState state =
        lora_setup(ctx_, model, {.targets = {"q_proj"}, .rank = 4, .alpha = 8, .rslora = true});
    write_adapter(ctx_, model, state, 0.0, model.base_hash(ctx_), "", dir_ / "adapter");
  }
  for (const std::int64_t rank : {0, 2}) {
    Model model = load(dir_ / "adapter");
    lora_setup(ctx_, model, {.start = LoraStart::kStacked, .rank = rank});
    const Linear& q = *model.find_linear("model.layers.0.self_attn.q_proj");
    EXPECT_EQ(q.lora()->rank(), rank == 0 ? 4 : 2);
    EXPECT_EQ(q.lora()->scaling, 4.0F);  // 8 / sqrt(4)
    EXPECT_EQ(q.fixed_lora()->scaling, 4.0F);
  }
}

TEST_F(LoraSetupTest, TargetsBeyondTheAdapterStartFromZeroAndOthersStayAsTheyAre) {
  std::filesystem::create_directories(dir_ / "adapter");
  {
    Model model = load();
    const LoraState state = lora_setup(ctx_, model, {.targets = {"q_proj"}, .rank = 4, .alpha = 8});
    write_adapter(ctx_, model, state, 0.0, model.base_hash(ctx_), "", dir_ / "adapter");
  }
  Model model = load(dir_ / "adapter");
  const LoraState state = lora_setup(ctx_, model, {.targets = {"v_proj"}});
  EXPECT_EQ(state.specs.size(), 4u);
  EXPECT_EQ(state.trained, 2);
  EXPECT_EQ(state.started, 2);
  EXPECT_EQ(model.trainable().size(), 4u);
  EXPECT_EQ(model.find_linear("model.layers.0.self_attn.v_proj")->lora()->rank(), 4);
  for (const LoraSpec& spec : state.specs) EXPECT_EQ(spec.alpha, 8) << spec.module << ": the adapter's";
  EXPECT_FALSE(model.find_linear("model.layers.0.self_attn.q_proj")->lora()->a.trainable());
}

TEST_F(LoraSetupTest, RefusedItLeavesTheModelAsItWas) {
  Model model = load();
  // q_proj allows the rank, k_proj behind it does not.
  const auto refused = [&](const LoraOptions& options) {
    try {
      lora_setup(ctx_, model, options);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_NE(refused({.rank = 64}).find("k_proj"), std::string::npos);
  EXPECT_NE(refused({.rank = 64, .whole = {"norms"}}).find("k_proj"), std::string::npos);
  EXPECT_NE(refused({.rank = 2, .whole = {"norms", "pooler"}}).find("pooler"), std::string::npos);
  EXPECT_FALSE(model.has_adapter());
  EXPECT_TRUE(model.trainable().empty());
  EXPECT_EQ(lora_setup(ctx_, model, {.rank = 2}).started, 14);

  // So does an adapter that others cannot be stacked on.
  EXPECT_NE(refused({.start = LoraStart::kStacked, .rank = 64}).find("k_proj"), std::string::npos);
  for (const Module& m : model.modules()) EXPECT_EQ(m.linear->fixed_lora(), nullptr) << m.name;
}

}  // namespace
}  // namespace lq
