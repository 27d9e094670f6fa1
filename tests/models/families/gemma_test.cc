#include "models/families/gemma.h"

#include <gtest/gtest.h>

#include "base/progress.h"
#include "formats/sharded_writer.h"
#include "models/decoder_config.h"
#include "models/golden_numbers.h"
#include "models/model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

nlohmann::ordered_json gemma2_config() { return decoder_config("Gemma2ForCausalLM", "gemma2"); }
nlohmann::ordered_json gemma3_config() { return decoder_config("Gemma3ForCausalLM", "gemma3_text"); }

TEST(GemmaFamily, Gemma2TakesTheDefaultsOfItsClass) {
  const ModelSpec spec = spec_of(gemma2_config());
  EXPECT_EQ(spec.head_dim(), 256);
  EXPECT_TRUE(spec.tied_embeddings);
  EXPECT_FLOAT_EQ(spec.embedding_multiplier, std::sqrt(32.0F));
  EXPECT_EQ(spec.logits_soft_cap, 30.0F);
  EXPECT_EQ(spec.final_norm.kind, NormKind::kRmsOnePlus);
  EXPECT_EQ(spec.eos, std::vector<std::int64_t>{1});
  for (const BlockSpec& b : spec.blocks) {
    EXPECT_EQ(b.place, NormPlace::kSandwich);
    EXPECT_EQ(b.norm.kind, NormKind::kRmsOnePlus);
    EXPECT_EQ(b.mlp.activation, Activation::kGeluTanh);
    EXPECT_EQ(b.attention.soft_cap, 50.0F);
    EXPECT_EQ(b.attention.scale, 1.0F / 16.0F);
    EXPECT_EQ(b.attention.rope, RopeUse::kGlobal);
  }
  EXPECT_EQ(spec.blocks[0].attention.window, 4096);  // every other layer
  EXPECT_EQ(spec.blocks[1].attention.window, 0);
}

TEST(GemmaFamily, Gemma3TurnsLayersWithAWindowByAnglesOfTheirOwn) {
  auto json = gemma3_config();
  json["num_hidden_layers"] = 7;
  json["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.rope.type, RopeType::kLinear);
  EXPECT_EQ(spec.rope.theta, 1e6);
  EXPECT_EQ(spec.local_rope.type, RopeType::kDefault);
  EXPECT_EQ(spec.local_rope.theta, 1e4);
  for (std::size_t i = 0; i < 7; ++i) {
    const AttentionSpec& a = spec.blocks[i].attention;
    EXPECT_EQ(a.rope, i == 5 ? RopeUse::kGlobal : RopeUse::kLocal) << i;
    EXPECT_EQ(a.window, i == 5 ? 0 : 4096) << i;
    EXPECT_EQ(a.qk_norm, QkNorm::kPerHead);
  }
  json.erase("rope_scaling");
  json["sliding_window_pattern"] = 2;
  json["rope_parameters"] = {{"full_attention", {{"rope_type", "default"}, {"rope_theta", 5e5}}},
                             {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 2e4}}}};
  spec = spec_of(json);
  EXPECT_EQ(spec.rope.theta, 5e5);
  EXPECT_EQ(spec.local_rope.theta, 2e4);
  auto both = json;  // of before transformers 5, over what stands there
  both["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  EXPECT_EQ(spec_of(both).rope.theta, 5e5);
  EXPECT_EQ(spec_of(both).rope.type, RopeType::kLinear);
  EXPECT_EQ(spec_of(both).rope.factor, 8.0);
  EXPECT_EQ(spec.blocks[1].attention.rope, RopeUse::kGlobal);
}

// Transformers 4 turned by it, transformers 5 passes over a type by that name here.
TEST(GemmaFamily, RefusesTheOldNameOfARotationsType) {
  auto json = gemma3_config();
  json["rope_scaling"] = {{"type", "default"}};
  EXPECT_EQ(spec_of(json).rope.type, RopeType::kDefault);
  json["rope_scaling"] = {{"type", "linear"}, {"factor", 8.0}};
  try {
    spec_of(json);
    FAIL() << "read";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("rope_scaling has a type, which"), std::string::npos) << e.what();
  }
}

TEST(GemmaFamily, RefusesByNameWhatChangesNumbers) {
  const std::vector<std::pair<std::string, nlohmann::ordered_json>> cases = {
      {"use_bidirectional_attention", true},
      {"attn_logit_softcapping", 20.0},
      {"altup_num_inputs", 4},
      {"rope_parameters", {{"full_attention", {{"rope_type", "yarn"}, {"factor", 2.0}}}}}};
  for (const auto& [key, value] : cases) {
    auto json = gemma3_config();
    json[key] = value;
    const std::string part = key == "rope_parameters" ? "rotation" : key;
    try {
      spec_of(json);
      ADD_FAILURE() << key;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported) << e.what();
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }
}

// The language model of a checkpoint with images computes what it computes alone.
TEST(GemmaFamily, TheTextPartOfAModelWithImages) {
  // Without the cap of the logits, which the class with images does not apply.
  const io_test::TempDir alone_dir;
  const auto& alone = alone_dir.path();
  JsonObject config = JsonObject::load(golden::folder() / "gemma3" / "config.json");
  config.json().erase("final_logit_softcapping");
  config.save(alone / "config.json");
  std::filesystem::copy_file(golden::folder() / "gemma3" / "model.safetensors", alone / "model.safetensors");
  const SafetensorsReader reader(alone / "model.safetensors");
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const auto logits_of = [&](const std::filesystem::path& path) {
    const Model model = Model::load(ctx, path);
    Workspace ws;
    KvCache cache = model.make_cache(8);
    const std::vector<std::int32_t> ids = {5, 9, 3, 17, 2, 8};
    Tensor logits = Tensor::empty(DType::kF32, {1, model.spec().vocab});
    model.decode(ctx, ws, cache, ids, matrix_of(logits));
    return std::vector<float>(logits.data<float>(), logits.data<float>() + logits.numel());
  };
  for (const std::string prefix : {"language_model.model.", "model.language_model."}) {
    const io_test::TempDir dir;
    std::vector<TensorSpec> specs;
    const auto name_of = [&](const TensorView& v) {
      return prefix + v.name().substr(std::string("model.").size());
    };
    for (const TensorView& v : reader.tensors()) specs.push_back({name_of(v), v.dtype(), v.shape()});
    specs.push_back({"vision_tower.patch.weight", DType::kF32, {2, 3}});
    ShardedWriter writer(dir.path(), specs);
    for (const TensorView& v : reader.tensors()) writer.append(name_of(v), v.data, v.bytes);
    const float image[6] = {};
    writer.write_f32("vision_tower.patch.weight", image);
    writer.finish();
    nlohmann::ordered_json inner = JsonObject::load(alone / "config.json").json();
    inner.erase("architectures");
    JsonObject whole({{"architectures", {"Gemma3ForConditionalGeneration"}},
                      {"model_type", "gemma3"},
                      {"text_config", inner},
                      {"vision_config", {{"hidden_size", 3}}}},
                     "config.json");
    whole.save(dir / "config.json");
    EXPECT_EQ(logits_of(dir.path()), logits_of(alone)) << prefix;
    whole.json()["text_config"]["final_logit_softcapping"] = 4.0;
    whole.save(dir / "config.json");
    EXPECT_THROW(logits_of(dir.path()), Error);
  }
}

}  // namespace
}  // namespace lq
