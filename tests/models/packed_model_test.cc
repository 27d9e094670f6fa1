// Packed directories: the same as the dense directory of the dequantized weights.
#include <filesystem>

#include "backends/cpu/byte_matrix.h"
#include "models/packed_model_fixture.h"
#include "support/notes.h"

namespace lq {
namespace {

using reference::relative_difference;

class PackedModelTest : public PackedModelFixture {};

TEST_F(PackedModelTest, EqualsDenseModelOfItsValues) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    reference::RandomModel shape;
    shape.bits = bits;
    Model packed = Model::load(ctx_, write("packed", shape));
    EXPECT_TRUE(packed.packed());
    const Model dense = Model::load(ctx_, write_dense(packed, shape));
    EXPECT_FALSE(dense.packed());
    EXPECT_LT(relative_difference(losses(packed, 50), losses(dense, 50)), 1e-5) << bits;
    // Decoding reads the codes themselves; its integers err by some 5e-5 of an output, over a few layers.
    EXPECT_LT(relative_difference(losses(packed, 3), losses(dense, 3)), 1e-3) << bits;
    std::filesystem::remove_all(folder_);
  }
}

TEST_F(PackedModelTest, PartsOfPackedMatricesAreNoStrangers) {
  test::Notes notes;
  Context ctx{pool_, notes, 0, {}};
  Model::load(ctx, write("packed", {}));
  EXPECT_EQ(notes.text, "");
}

// Both precisions of decoding against the dense model: fine to 1e-3, fast to some hundredths; and they
// differ.
TEST_F(PackedModelTest, DecodesInTheContextsPrecision) {
  for (const int bits : {2, 3, 4}) {
    reference::RandomModel shape;
    shape.bits = bits;
    Model packed = Model::load(ctx_, write("packed", shape));
    const Model dense = Model::load(ctx_, write_dense(packed, shape));
    const auto decoded = [&](const Model& model, DecodePrecision precision) {
      Context ctx = ctx_;
      ctx.decode_precision = precision;
      Workspace ws;
      KvCache cache = model.make_cache(8);
      std::vector<float> all;
      Tensor logits = Tensor::empty(DType::kF32, {1, model.spec().vocab});
      for (const std::int32_t id : {3, 14, 15, 92, 65, 35}) {
        model.decode(ctx, ws, cache, std::span(&id, 1), matrix_of(logits));
        all.insert(all.end(), logits.data<float>(), logits.data<float>() + logits.numel());
      }
      return all;
    };
    const auto want = decoded(dense, DecodePrecision::kFine);
    EXPECT_EQ(decoded(dense, DecodePrecision::kFast), want);
    EXPECT_LT(relative_difference(decoded(packed, DecodePrecision::kFine), want), 1e-3) << bits;
    const double fast = relative_difference(decoded(packed, DecodePrecision::kFast), want);
    EXPECT_LT(fast, 0.06) << bits;
    if (backends::byte_gemv_has(64)) {
      EXPECT_GT(fast, 1e-3) << bits;
    }
    std::filesystem::remove_all(folder_);
  }
}

// Linear layers of many tokens in 16-bit integers: near f32, and not f32; the same bits on any number of
// threads.
TEST_F(PackedModelTest, MultipliesManyTokensInTheContextsPrecision) {
  reference::RandomModel shape;
  shape.bits = 4;
  const Model packed = Model::load(ctx_, write("packed", shape));
  const auto fine = losses(packed, 50);
  ctx_.matmul_precision = MatmulPrecision::kI16;
  const auto whole = losses(packed, 50);
  EXPECT_NE(whole, fine);
  EXPECT_LT(relative_difference(whole, fine), 1e-3);
  ThreadPool pool(7);
  Context other{pool, progress_, 0, {}};
  other.matmul_precision = MatmulPrecision::kI16;
  EXPECT_EQ(losses(packed, 50, &other), whole);
}

TEST_F(PackedModelTest, GradientsOfAdaptersEqualThoseOnTheDenseModel) {
  reference::RandomModel shape;
  shape.bits = 3;
  Model packed = Model::load(ctx_, write("packed", shape));
  Model dense = Model::load(ctx_, write_dense(packed, shape));
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 40; ++i)
    ids.push_back(static_cast<std::int32_t>(Rng(4).below(static_cast<std::uint64_t>(i), 97)));
  const std::vector<std::int64_t> starts = {0, 15, 40};
  const TokenBatch batch{ids, starts};
  for (Model* model : {&packed, &dense}) {
    for (const Module& module : model->modules()) {
      if (!module.in_block()) continue;
      Linear* const linear = module.linear;
      auto lora = std::make_unique<Lora>();
      for (Parameter* p : {&lora->a, &lora->b}) {
        const bool is_a = p == &lora->a;
        p->value = is_a ? Tensor::empty(DType::kF32, {3, linear->in()})
                        : Tensor::empty(DType::kF32, {linear->out(), 3});
        Rng(6, stream_of(linear->name()) + (is_a ? 1 : 0))
            .fill_normal(pool_, p->value.mutable_data<float>(), p->value.numel());
        for (std::int64_t i = 0; i < p->value.numel(); ++i) p->value.mutable_data<float>()[i] *= 0.1F;
      }
      linear->set_lora(std::move(lora));
    }
    model->train_adapters();
    Workspace ws;
    ModelTape tape;
    std::vector<float> loss(ids.size());
    model->losses_backward(ctx_, ws, tape, batch, next_token_targets(batch), 1.0F, loss);
  }
  const auto mine = packed.trainable();
  const auto theirs = dense.trainable();
  ASSERT_EQ(mine.size(), 28U);
  for (std::size_t i = 0; i < mine.size(); ++i) {
    EXPECT_LT(relative_difference(mine[i]->grads(), theirs[i]->grads()), 1e-4) << i;
  }
}

TEST_F(PackedModelTest, WeightsThatDisagreeWithTheConfigNameBothShapes) {
  for (const int bits : {0, 4}) {
    reference::RandomModel shape;
    shape.bits = bits;
    const auto model = write("model", shape);
    auto config = read_ordered_json(model / "config.json");
    config["intermediate_size"] = 95;
    write_json(model / "config.json", config);
    try {
      Model::load(ctx_, model);
      FAIL() << "loaded";
    } catch (const Error& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find("mlp.gate_proj.weight"), std::string::npos) << text;
      EXPECT_NE(text.find("[96, 64]"), std::string::npos) << text;
      EXPECT_NE(text.find("[95, 64]"), std::string::npos) << text;
    }
    std::filesystem::remove_all(folder_);
  }
}

TEST_F(PackedModelTest, MemoryIsKnownBeforeAndNotExceeded) {
  const auto folder = write("model", {.hidden = 128, .layers = 3, .intermediate = 256, .bits = 4});
  Model model = Model::load(ctx_, folder);
  std::vector<std::int32_t> ids(600, 5);
  const std::vector<std::int64_t> starts = {0, 600};
  const TokenBatch batch{ids, starts};
  for (const Keep keep : {Keep::kBlocks, Keep::kActivations}) {
    const ModelMemory need = model.memory_estimate(600, true, keep);
    Workspace ws;
    ModelTape tape;
    tape.keep = keep;
    std::vector<float> loss(ids.size());
    model.losses_backward(ctx_, ws, tape, batch, next_token_targets(batch), 1.0F, loss);
    EXPECT_EQ(tape.bytes(), need.activations);
    // The workspace takes memory in chunks of 4 MiB.
    EXPECT_LE(ws.bytes(), need.scratch + (std::int64_t{8} << 20));
    EXPECT_GE(ws.bytes(), need.scratch / 4);
  }
}

}  // namespace
}  // namespace lq
