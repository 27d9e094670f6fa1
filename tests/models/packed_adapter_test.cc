// Adapters beside packed directories: their base, their modules, and weights that they hold whole.
#include <filesystem>

#include "formats/peft_adapter.h"
#include "models/packed_model_fixture.h"
#include "support/paths.h"

namespace lq {
namespace {

using reference::relative_difference;

class PackedAdapterTest : public PackedModelFixture {
 protected:
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
};

TEST_F(PackedAdapterTest, AdapterOfAnotherBaseIsRefusedWithBothHashes) {
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

TEST_F(PackedAdapterTest, AdapterForUnknownModulesOrShapesIsRefusedByName) {
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
TEST_F(PackedAdapterTest, WeightsThatAnAdapterHoldsWholeReplaceTheModels) {
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

TEST_F(PackedAdapterTest, WholeWeightsThatCannotBeReplacedAreRefusedByName) {
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

TEST_F(PackedAdapterTest, AdapterFolderOfAPackedModelIsTakenByItself) {
  reference::RandomModel shape;
  shape.bits = 4;
  const auto model = write("packed", shape);
  write_adapter(model / "adapter", "model.layers.0.mlp.up_proj", 64, 96,
                Model::load(ctx_, model).base_hash(ctx_));
  EXPECT_TRUE(Model::load(ctx_, model).has_adapter());
  EXPECT_FALSE(Model::load(ctx_, model, {.no_adapter = true}).has_adapter());
}

TEST_F(PackedAdapterTest, RealTinyLlamaAdapterFitsItsShape) {
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
