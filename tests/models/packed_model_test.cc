// Packed directories: the same as the dense directory of the dequantized weights; adapters and their bases.
#include <gtest/gtest.h>

#include <filesystem>

#include "backends/cpu/byte_matrix.h"
#include "formats/peft_adapter.h"
#include "models/model.h"
#include "nn/packed_weight.h"
#include "ops/cross_entropy.h"
#include "reference/numbers.h"
#include "reference/random_model.h"
#include "support/paths.h"

namespace lq {
namespace {

using reference::relative_difference;

class PackedModelTest : public testing::Test {
 protected:
  PackedModelTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("lq_packed_{}", info->name());
    std::filesystem::remove_all(folder_);
  }
  ~PackedModelTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const char* name, const reference::RandomModel& shape) {
    write_random_model(pool_, shape, folder_ / name);
    return folder_ / name;
  }

  // A dense f32 directory with the values of the packed one.
  std::filesystem::path write_dense(Model& packed, const reference::RandomModel& shape) {
    const auto to = folder_ / "dense";
    std::filesystem::create_directories(to);
    std::vector<TensorSpec> specs;
    std::vector<std::vector<float>> values;
    for (const Module& module : packed.modules()) {
      if (!module.in_block()) continue;
      Linear* const linear = module.linear;
      const Weight& w = linear->weight();
      specs.push_back({linear->name() + ".weight", DType::kF32, {w.rows(), w.cols()}});
      values.emplace_back(static_cast<std::size_t>(w.rows() * w.cols()));
      packed_rows(ctx_, w.view(), 0, w.rows(), values.back().data());
    }
    for (Parameter* p : packed.parameters()) {
      specs.push_back({p->name, DType::kF32, p->value.shape()});
      values.emplace_back(static_cast<std::size_t>(p->value.numel()));
      convert_to_f32(p->value.dtype(), p->value.raw(), 0, p->value.numel(), values.back().data());
    }
    SafetensorsWriter writer(to / "model.safetensors", specs);
    for (std::size_t i = 0; i < specs.size(); ++i) writer.write_f32(specs[i].name, values[i].data());
    writer.finish();
    write_json(to / "config.json", reference::random_model_config(shape));
    return to;
  }

  std::vector<float> losses(const Model& model, int tokens, Context* other = nullptr) {
    std::vector<std::int32_t> ids;
    for (int i = 0; i < tokens; ++i) ids.push_back(static_cast<std::int32_t>(Rng(4).below(i, 97)));
    const std::vector<std::int64_t> starts = {0, tokens / 3, tokens};
    const TokenBatch batch{ids, starts};
    std::vector<float> result(ids.size());
    Workspace ws;
    model.losses(other == nullptr ? ctx_ : *other, ws, batch, next_token_targets(batch), result);
    return result;
  }

  void write_adapter(const std::filesystem::path& to, const std::string& module, std::int64_t in,
                     std::int64_t out, const std::string& base_hash) {
    std::filesystem::create_directories(to);
    PeftConfig config;
    config.target_modules = {module};
    PeftWriterOptions options;
    options.base_hash = base_hash;
    PeftAdapterWriter writer(to, config, {{module, 2, in, out, 8.0}}, options);
    const auto a = reference::normals(static_cast<std::size_t>(2 * in), 8);
    const auto b = reference::normals(static_cast<std::size_t>(2 * out), 9);
    writer.write(module, a.data(), b.data());
    writer.finish();
  }

  std::filesystem::path folder_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
};

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

TEST_F(PackedModelTest, AdapterOfAnotherBaseIsRefusedWithBothHashes) {
  reference::RandomModel shape;
  shape.bits = 4;
  const auto model = write("packed", shape);
  const std::string mine = Model::load(ctx_, model).base_hash(ctx_);
  write_adapter(folder_ / "good", "model.layers.1.self_attn.v_proj", 64, 32, mine);
  EXPECT_TRUE(Model::load(ctx_, model, {.adapter = folder_ / "good"}).has_adapter());
  const std::string other(32, 'a');
  write_adapter(folder_ / "other", "model.layers.1.self_attn.v_proj", 64, 32, other);
  try {
    Model::load(ctx_, model, {.adapter = folder_ / "other"});
    FAIL() << "loaded";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(mine), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find(other), std::string::npos) << e.what();
  }
}

TEST_F(PackedModelTest, AdapterForUnknownModulesOrShapesIsRefusedByName) {
  const auto model = write("model", {});
  write_adapter(folder_ / "unknown", "model.layers.7.self_attn.v_proj", 64, 32, "");
  write_adapter(folder_ / "shape", "model.layers.1.self_attn.v_proj", 63, 32, "");
  for (const auto& [name, part] :
       {std::pair{"unknown", "model.layers.7.self_attn.v_proj"}, {"shape", "[2, 63]"}}) {
    try {
      Model::load(ctx_, model, {.adapter = folder_ / name});
      FAIL() << "loaded " << name;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }
}

// An adapter that holds weights whole (modules_to_save) makes the model whose directory has them.
TEST_F(PackedModelTest, WeightsThatAnAdapterHoldsWholeReplaceTheModels) {
  for (const bool tied : {false, true}) {
    const auto model = write("model", {});
    auto config = read_ordered_json(model / "config.json");
    config["tie_word_embeddings"] = tied;
    write_json(model / "config.json", config);
    Model want = Model::load(ctx_, model);
    std::vector<std::pair<TensorSpec, std::vector<float>>> whole;
    const auto add = [&](const std::string& name, const Shape& shape) {
      const auto count = static_cast<std::size_t>(shape.size() == 1 ? shape[0] : shape[0] * shape[1]);
      whole.emplace_back(TensorSpec{name, DType::kF32, shape}, reference::normals(count, 20 + whole.size()));
    };
    const Shape table = want.find_parameter("model.embed_tokens.weight")->value.shape();
    add("model.layers.1.input_layernorm.weight", {64});
    add("model.embed_tokens.weight", table);
    if (!tied) add("lm_head.weight", table);
    const auto write_whole = [&](const std::filesystem::path& to) {
      std::filesystem::create_directories(to);
      PeftWriterOptions options;
      for (const auto& w : whole) options.replaced.push_back(w.first);
      PeftAdapterWriter writer(to, {}, {{"model.layers.0.mlp.up_proj", 2, 64, 96, 8.0}}, options);
      const std::vector<float> zeros(2 * 96, 0.0F);  // adds nothing
      writer.write("model.layers.0.mlp.up_proj", zeros.data(), zeros.data());
      for (const auto& w : whole) writer.write_replaced(w.first.name, w.second.data());
      writer.finish();
    };
    write_whole(folder_ / "whole");
    for (const auto& [spec, values] : whole) {
      Tensor value = Tensor::empty(DType::kF32, spec.shape);
      std::copy(values.begin(), values.end(), value.mutable_data<float>());
      want.find_parameter(spec.name)->value = std::move(value);
    }
    const auto plain = losses(Model::load(ctx_, model), 30);
    const auto have = losses(Model::load(ctx_, model, {.adapter = folder_ / "whole"}), 30);
    EXPECT_LT(relative_difference(have, losses(want, 30)), 1e-6);
    EXPECT_GT(relative_difference(have, plain), 1e-2);

    if (tied) {  // its own head beside replaced embeddings: no longer tied
      add("lm_head.weight", table);
      write_whole(folder_ / "untied");
      EXPECT_GT(
          relative_difference(losses(Model::load(ctx_, model, {.adapter = folder_ / "untied"}), 30), have),
          1e-2);
    }
    std::filesystem::remove_all(folder_);
  }
}

TEST_F(PackedModelTest, WholeWeightsThatCannotBeReplacedAreRefusedByName) {
  reference::RandomModel shape;
  shape.bits = 4;
  const auto model = write("packed", shape);
  const std::vector<std::tuple<std::string, Shape, std::string>> cases = {
      {"model.layers.0.mlp.up_proj.weight", {96, 64}, "packed weight"},
      {"model.layers.7.input_layernorm.weight", {64}, "does not have"},
      {"model.norm.weight", {63}, "[63]"}};
  for (const auto& [name, extents, what] : cases) {
    const auto to = folder_ / "adapter";
    std::filesystem::create_directories(to);
    PeftWriterOptions options;
    options.replaced.push_back({name, DType::kF32, extents});
    PeftAdapterWriter writer(to, {}, {{"model.layers.0.mlp.gate_proj", 2, 64, 96, 8.0}}, options);
    const std::vector<float> zeros(96 * 64, 0.0F);
    writer.write("model.layers.0.mlp.gate_proj", zeros.data(), zeros.data());
    writer.write_replaced(name, zeros.data());
    writer.finish();
    try {
      Model::load(ctx_, model, {.adapter = to});
      FAIL() << "loaded " << name;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
    }
    std::filesystem::remove_all(to);
  }
}

TEST_F(PackedModelTest, AdapterFolderOfAPackedModelIsTakenByItself) {
  reference::RandomModel shape;
  shape.bits = 4;
  const auto model = write("packed", shape);
  write_adapter(model / "adapter", "model.layers.0.mlp.up_proj", 64, 96,
                Model::load(ctx_, model).base_hash(ctx_));
  EXPECT_TRUE(Model::load(ctx_, model).has_adapter());
  EXPECT_FALSE(Model::load(ctx_, model, {.no_adapter = true}).has_adapter());
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

TEST_F(PackedModelTest, RealTinyLlamaAdapterFitsItsShape) {
  const auto adapter = std::filesystem::path(lq::test::source_dir()) / ".." / "shared" / "data" / "adapters" /
                       "tinyllama_r4_qv_a";
  if (!std::filesystem::exists(adapter)) GTEST_SKIP() << "no " << adapter;
  // Only q and v have the real shape; the rest is as small as it can be.
  const auto folder = write(
      "tiny",
      {.hidden = 2048, .layers = 22, .intermediate = 2, .heads = 32, .kv_heads = 4, .vocab = 97, .bits = 2});
  Model plain = Model::load(ctx_, folder);
  Model adapted = Model::load(ctx_, folder, {.adapter = adapter});
  int adapters = 0;
  for (const Module& module : adapted.modules()) {
    if (!module.in_block()) continue;
    Linear* const linear = module.linear;
    if (linear->lora() == nullptr) continue;
    ++adapters;
    EXPECT_EQ(linear->lora()->rank(), 4);
    EXPECT_EQ(linear->lora()->scaling, 4.0F);  // alpha 16 / r 4
  }
  EXPECT_EQ(adapters, 44);
  // One layer by hand: y = W x + 4 B (A x).
  const std::string name = "model.layers.3.self_attn.v_proj";
  Linear& linear = *adapted.find_linear(name);
  const auto x = reference::normals(5 * 2048, 3);
  std::vector<float> with(5 * 256);
  std::vector<float> without(5 * 256);
  Workspace ws;
  linear.forward(ctx_, ws, {x.data(), 5, 2048}, {with.data(), 5, 256});
  plain.find_linear(name)->forward(ctx_, ws, {x.data(), 5, 2048}, {without.data(), 5, 256});
  const float* a = linear.lora()->a.value.data<float>();
  const float* b = linear.lora()->b.value.data<float>();
  std::vector<double> want(with.size());
  for (std::size_t t = 0; t < 5; ++t) {
    for (std::size_t o = 0; o < 256; ++o) {
      double sum = 0.0;
      for (std::size_t r = 0; r < 4; ++r) {
        double ax = 0.0;
        for (std::size_t i = 0; i < 2048; ++i) ax += double{a[r * 2048 + i]} * x[t * 2048 + i];
        sum += double{b[o * 4 + r]} * ax;
      }
      want[t * 256 + o] = without[t * 256 + o] + 4.0 * sum;
    }
  }
  EXPECT_LT(relative_difference(with, want), 1e-5);
  EXPECT_GT(relative_difference(with, without), 1e-4);
}

}  // namespace
}  // namespace lq
