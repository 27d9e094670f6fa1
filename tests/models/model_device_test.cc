// A model on another device: what may not go there, and that what does computes the same.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "backends/cuda/repeat.h"
#include "models/model.h"
#include "nn/magnitude.h"
#include "ops/device_memory.h"
#include "ops/op_driver.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

// A context of a device of this machine.
struct DeviceRun {
  explicit DeviceRun(Device device) : queue(open_device_queue(device)) {
    ctx.device = device;
    ctx.queue = queue.get();
  }
  ThreadPool pool{2};
  NoProgress progress;
  std::unique_ptr<DeviceQueue, CloseDeviceQueue> queue;
  Context ctx{pool, progress, 0, {}};
};

struct Batch {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> starts = {0, 40, 41, 96};
  Batch() {
    for (int i = 0; i < 96; ++i)
      ids.push_back(static_cast<std::int32_t>(Rng(4).below(static_cast<std::uint64_t>(i), 97)));
  }
};

std::vector<float> losses_of(Context& ctx, const Model& model) {
  const Batch b;
  Workspace ws(ctx.device, empty_tensor);
  std::vector<float> losses(b.ids.size());
  const TokenBatch batch{b.ids, b.starts};
  model.losses(ctx, ws, batch, next_token_targets(batch), losses);
  return losses;
}

// Logits after each of 20 tokens of a cached sequence, on the host.
std::vector<float> decoded(Context& ctx, const Model& model) {
  const Batch b;
  Workspace ws(ctx.device, empty_tensor);
  KvCache cache = model.make_cache(64);
  Scratch scratch(ws);
  const Matrix logits = scratch.matrix(1, model.spec().vocab);
  std::vector<float> all, one(static_cast<std::size_t>(model.spec().vocab));
  model.decode(ctx, ws, cache, std::span(b.ids).first(10), logits);
  for (std::size_t t = 10; t < 30; ++t) {
    model.decode(ctx, ws, cache, std::span(b.ids).subspan(t, 1), logits);
    copy_values(ctx, logits.flat(), one);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double{a[i]} - b[i]));
  return a.size() == b.size() && std::isfinite(most) ? most : INFINITY;
}

class ModelDevice : public testing::Test {
 protected:
  ModelDevice() {
    reference::write_random_model(pool_, {.hidden = 128, .intermediate = 192, .bits = 4}, dir_ / "packed");
    reference::write_random_model(pool_, {.hidden = 128, .intermediate = 192}, dir_ / "dense");
  }
  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
};

TEST_F(ModelDevice, WhatTheProcessorAloneComputesSaysSo) {
  Model model = Model::load(ctx_, dir_ / "packed");
  EXPECT_EQ(model.stays_on_cpu(), "");
  EXPECT_TRUE(model.device().is_cpu());
  EXPECT_EQ(model.largest_decoded_bytes(), 2 * 2 * 192 * 128);  // of gate and up
  EXPECT_EQ(model.decoded_block_bytes(), 2 * (2 * 128 * 128 + 2 * 64 * 128 + 3 * 192 * 128));
  const Model dense = Model::load(ctx_, dir_ / "dense");
  EXPECT_EQ(dense.largest_decoded_bytes(), 2 * 192 * 128);
  EXPECT_EQ(dense.decoded_block_bytes(), 0);
  Linear& q = *model.find_linear("model.layers.0.self_attn.q_proj");
  auto lora = std::make_unique<Lora>();
  lora->a.value = Tensor::zeros(DType::kF32, {2, 128});
  lora->b.value = Tensor::zeros(DType::kF32, {128, 2});
  lora->magnitude = std::make_unique<Magnitude>();
  q.set_lora(std::move(lora));
  EXPECT_NE(model.stays_on_cpu().find("DoRA"), std::string::npos);
}

TEST_F(ModelDevice, OnTheProcessorNothingMoves) {
  Model model = Model::load(ctx_, dir_ / "packed");
  const auto before = losses_of(ctx_, model);
  model.to_device(ctx_);
  model.adapters_to_host(ctx_);
  EXPECT_EQ(losses_of(ctx_, model), before);
}

// In f32 up to the order of sums; in bf16 each product is off by 2^-8 of its factors, some dozen of them one
// after the other.
TEST_F(ModelDevice, LossesAndLogitsAgreeWithTheProcessors) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  for (const char* name : {"packed", "dense"}) {
    const Model here = Model::load(ctx_, dir_ / name);
    const auto want = losses_of(ctx_, here);
    const auto logits = decoded(ctx_, here);
    for (const Device device : devices) {
      DeviceRun run(device);
      Model there = Model::load(run.ctx, dir_ / name);
      there.to_device(run.ctx);
      EXPECT_LT(largest_difference(losses_of(run.ctx, there), want), 1e-4) << name;
      EXPECT_LT(largest_difference(decoded(run.ctx, there), logits), 1e-3) << name;
      run.ctx.decode_precision = DecodePrecision::kFast;
      run.ctx.matmul_precision = MatmulPrecision::kBf16;
      EXPECT_LT(largest_difference(losses_of(run.ctx, there), want), 0.1) << name;
      EXPECT_LT(largest_difference(decoded(run.ctx, there), logits), 0.1) << name;
      const auto again = losses_of(run.ctx, there);
      EXPECT_EQ(losses_of(run.ctx, there), again) << "the same run gives other bits";
    }
  }
}

// In tiles a model is the same model: whatever is not a fast product of few rows gives the same bits.
TEST_F(ModelDevice, PackedIntoTilesItComputesTheSame) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  for (const Device device : devices) {
    DeviceRun run(device);
    Model model = Model::load(run.ctx, dir_ / "packed");
    EXPECT_GT(model.tile_growth(run.ctx), 0);  // of rows of 128 and 192 columns
    model.to_device(run.ctx);
    const auto fine = decoded(run.ctx, model);
    run.ctx.matmul_precision = MatmulPrecision::kBf16;
    const auto losses = losses_of(run.ctx, model);
    const Linear& q = *model.find_linear("model.layers.0.self_attn.q_proj");
    EXPECT_EQ(q.weight().view().layout, backends::PackedLayout::kCodebook);
    model.to_tiles(run.ctx);
    EXPECT_EQ(q.weight().view().layout, backends::PackedLayout::kTiles);
    EXPECT_EQ(losses_of(run.ctx, model), losses);
    run.ctx.matmul_precision = MatmulPrecision::kF32;
    EXPECT_EQ(decoded(run.ctx, model), fine);
    run.ctx.decode_precision = DecodePrecision::kFast;
    EXPECT_LT(largest_difference(decoded(run.ctx, model), fine), 0.1);
    EXPECT_NE(decoded(run.ctx, model), fine);
    model.to_tiles(run.ctx);  // once more: nothing
    EXPECT_EQ(losses_of(run.ctx, model), losses_of(run.ctx, model));
  }
}

// Layers of one input go together, their low-rank parts too: a learning one, and one that stays.
TEST_F(ModelDevice, DecodingWithAdaptersBesideSomeLayers) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  const auto with_adapters = [&](Context& ctx) {
    Model model = Model::load(ctx, dir_ / "packed");
    std::uint64_t stream = 0;
    const auto add = [&](Linear& linear, std::int64_t rank) {
      auto lora = std::make_unique<Lora>();
      lora->scaling = 0.5F;
      lora->a.value = Tensor::empty(DType::kF32, {rank, linear.in()});
      lora->b.value = Tensor::empty(DType::kF32, {linear.out(), rank});
      for (Tensor* t : {&lora->a.value, &lora->b.value}) {
        Rng(7, ++stream).fill_normal(pool_, t->mutable_data<float>(), t->numel());
        for (std::int64_t i = 0; i < t->numel(); ++i) t->mutable_data<float>()[i] *= 0.1F;
      }
      linear.set_lora(std::move(lora));
    };
    for (const Module& m : model.modules()) {
      if (!m.in_block() || m.role == Role::kK || m.role == Role::kUp) continue;
      add(*m.linear, 3);
      if (m.role != Role::kQ && m.role != Role::kDown) continue;
      m.linear->freeze_lora();
      add(*m.linear, 5);
    }
    return model;
  };
  const Model here = with_adapters(ctx_);
  const auto want = decoded(ctx_, here);
  const auto losses = losses_of(ctx_, here);
  EXPECT_GT(largest_difference(want, decoded(ctx_, Model::load(ctx_, dir_ / "packed"))), 0.1);
  for (const Device device : devices) {
    DeviceRun run(device);
    Model there = with_adapters(run.ctx);
    there.to_device(run.ctx);
    EXPECT_LT(largest_difference(decoded(run.ctx, there), want), 2e-3);
    EXPECT_LT(largest_difference(losses_of(run.ctx, there), losses), 1e-3);
    run.ctx.matmul_precision = MatmulPrecision::kBf16;  // then they are folded into the large products
    EXPECT_LT(largest_difference(losses_of(run.ctx, there), losses), 0.1);
  }
}

// What two sequences that grow beside each other say, token by token: one alone, then both in one pass.
std::vector<float> decoded_long(Context& ctx, const Model& model) {
  const Batch b;
  Workspace ws(ctx.device, empty_tensor);
  KvCache first = model.make_cache(200);
  KvCache second = model.make_cache(200);
  Scratch scratch(ws);
  const Matrix logits = scratch.matrix(1, model.spec().vocab);
  const Matrix x = scratch.matrix(2, model.spec().hidden);
  std::vector<float> all, one(static_cast<std::size_t>(model.spec().vocab)),
      two(static_cast<std::size_t>(x.size()));
  model.decode(ctx, ws, first, std::span(b.ids).first(4), logits);
  model.decode(ctx, ws, second, std::span(b.ids).first(7), logits);
  for (std::size_t t = 10; t < 90; ++t) {  // memory for 64 tokens, then 128
    model.decode(ctx, ws, first, std::span(b.ids).subspan(t, 1), logits);
    copy_values(ctx, logits.flat(), one);
    all.insert(all.end(), one.begin(), one.end());
  }
  KvCache* const caches[] = {&first, &second};
  const std::int64_t starts[] = {0, 1, 2};
  for (std::size_t t = 20; t < 32; ++t) {
    model.extend(ctx, ws, caches, {std::span(b.ids).subspan(t, 2), starts}, x);
    copy_values(ctx, x.flat(), two);
    all.insert(all.end(), two.begin(), two.end());
  }
  return all;
}

TEST_F(ModelDevice, TokensAsGraphsGiveTheBitsOfLaunchesOneByOne) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  for (const char* name : {"packed", "dense"}) {
    for (const Device device : devices) {
      for (const DecodePrecision precision : {DecodePrecision::kFine, DecodePrecision::kFast}) {
        std::vector<float> have[2];
        for (const bool graphs : {false, true}) {
          setenv("LQ_CUDA_GRAPHS", graphs ? "1" : "0", 1);
          DeviceRun run(device);
          unsetenv("LQ_CUDA_GRAPHS");
          run.ctx.decode_precision = precision;
          Model model = Model::load(run.ctx, dir_ / name);
          model.to_device(run.ctx);
          have[graphs ? 1 : 0] = decoded_long(run.ctx, model);
          const auto counts = backends::cuda::repeat_counts(*run.queue);
          EXPECT_EQ(counts.plain + counts.captured + counts.replayed, 92);
          EXPECT_EQ(counts.abandoned, 0);
          // Once plain and once captured: at the beginning, when the cache has grown, and with two caches.
          EXPECT_EQ(counts.captured, graphs ? 3 : 0);
          EXPECT_EQ(counts.replayed, graphs ? 92 - 6 : 0);
        }
        EXPECT_EQ(have[0], have[1]) << name;
      }
    }
  }
}

// Low-rank parts take columns and rows beside the weights that they are decoded with.
TEST_F(ModelDevice, DecodedBytesCountLowRankParts) {
  Model model = Model::load(ctx_, dir_ / "packed");
  const std::int64_t before = model.decoded_block_bytes();
  Linear& up = *model.find_linear("model.layers.0.mlp.up_proj");
  auto lora = std::make_unique<Lora>();
  lora->a.value = Tensor::zeros(DType::kF32, {5, 128});
  lora->b.value = Tensor::zeros(DType::kF32, {192, 5});
  up.set_lora(std::move(lora));
  const std::int64_t wider = ((2 * 192 + 5) * (128 + 8) * 2 + 255) / 256 * 256;
  EXPECT_EQ(model.largest_decoded_bytes(), wider);
  EXPECT_EQ(model.decoded_block_bytes(), before + wider - 2 * 2 * 192 * 128);
}

}  // namespace
}  // namespace lq
