// An adapter of any kind that training starts from comes out as one with the same numbers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/progress.h"
#include "formats/safetensors_reader.h"
#include "formats/safetensors_writer.h"
#include "models/model.h"
#include "support/io_test_util.h"
#include "support/paths.h"
#include "train/lora_setup.h"
#include "train/write_adapter.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

fs::path adapters_of_every_kind() {
  return fs::path(lq::test::source_dir()) / "tests" / "goldens" / "adapters";
}

// The golden Gemma 3 without the cap of its logits, which a model with images does not apply.
fs::path gemma_alone(const fs::path& to) {
  const fs::path from = fs::path(lq::test::source_dir()) / "tests" / "goldens" / "gemma3";
  fs::create_directories(to);
  JsonObject config = JsonObject::load(from / "config.json");
  config.json()["final_logit_softcapping"] = nullptr;
  config.save(to / "config.json");
  fs::copy_file(from / "model.safetensors", to / "model.safetensors");
  return to;
}

// A copy of it as the language model within a model with images.
fs::path gemma_within_images(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  JsonObject({{"architectures", {"Gemma3ForConditionalGeneration"}},
              {"model_type", "gemma3"},
              {"text_config", JsonObject::load(from / "config.json").json()}},
             "")
      .save(to / "config.json");
  const SafetensorsReader weights(from / "model.safetensors");
  const auto within = [](const TensorView& view) {
    constexpr std::string_view kBody = "model.";
    return view.name().starts_with(kBody) ? "model.language_model." + view.name().substr(kBody.size())
                                          : view.name();
  };
  std::vector<TensorSpec> specs;
  for (const TensorView& view : weights.tensors())
    specs.push_back({within(view), view.dtype(), view.shape()});
  SafetensorsWriter writer(to / "model.safetensors", specs);
  for (const TensorView& view : weights.tensors()) writer.write(within(view), view.copy());
  writer.finish();
  return to;
}

class WriteAdapterTest : public testing::Test {
 protected:
  std::vector<float> losses(const Model& model) {
    const std::vector<std::int32_t> ids = {1, 5, 9, 2, 44, 3, 60, 0, 17};
    const std::vector<std::int64_t> starts = {0, std::ssize(ids)};
    std::vector<float> out(ids.size());
    Workspace ws;
    model.losses(ctx_, ws, {ids, starts}, next_token_targets({ids, starts}), out);
    return out;
  }
  Model load(const std::string& base, const fs::path& adapter) {
    return Model::load(ctx_, adapters_of_every_kind() / base, {.adapter = adapter});
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 3, {}};
};

TEST_F(WriteAdapterTest, EveryKindComesBack) {
  int tried = 0;
  for (const auto& entry : fs::directory_iterator(adapters_of_every_kind())) {
    std::string base;
    std::ifstream file(entry.path() / "base");
    if (!std::getline(file, base)) continue;
    SCOPED_TRACE(entry.path().filename().string());
    ++tried;
    Model model = load(base, entry.path());
    const auto want = losses(model);
    const PeftAdapterReader from(entry.path());
    LoraOptions options;
    options.rslora = from.config().use_rslora;
    options.replaced = model.replaced();
    const LoraState state = lora_setup(ctx_, model, options);
    const fs::path to = dir_ / entry.path().filename().string();
    fs::create_directories(to);
    write_adapter(ctx_, model, state, 0.0, "", "", to);
    const PeftAdapterReader back(to);
    EXPECT_EQ(back.pairs().size(), from.pairs().size());
    EXPECT_EQ(back.embedding() != nullptr, from.embedding() != nullptr);
    EXPECT_EQ(back.config().use_dora, from.config().use_dora);
    const auto have = losses(load(base, to));
    for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(have[i], want[i], 1e-5);
  }
  EXPECT_GE(tried, 18);
}

// As an adapter with `bias` "all" brings it: PEFT would look for the weight of a module that is saved.
TEST_F(WriteAdapterTest, APoolersBiasAloneIsNoSavedModule) {
  const fs::path base = fs::path(lq::test::source_dir()) / "tests" / "goldens" / "bert_classes";
  Model model = Model::load(ctx_, base);
  LoraOptions options{.targets = {"query"}, .rank = 2};
  options.label_head = true;
  options.replaced = {"bert.pooler.dense.bias"};
  const LoraState state = lora_setup(ctx_, model, options);
  write_adapter(ctx_, model, state, 0.0, "", "", dir_.path());
  const PeftAdapterReader back(dir_.path());
  EXPECT_EQ(back.config().modules_to_save, std::vector<std::string>{"classifier"});
  EXPECT_EQ(back.config().bias, "all");
  EXPECT_NO_THROW(Model::load(ctx_, base, {.adapter = dir_.path()}));
}

// What learns is one tensor in the model; in PEFT each module has a copy.
TEST_F(WriteAdapterTest, OfATiedPairBothTensorsAreWritten) {
  for (const char* what : {"embeddings", "head"}) {
    Model model = load("tied", {});
    const LoraState state = lora_setup(ctx_, model, {.targets = {"q_proj"}, .rank = 2, .whole = {what}});
    Parameter& table = *model.find_parameter("model.embed_tokens.weight");
    ASSERT_TRUE(table.trainable());
    for (std::int64_t i = 0; i < table.value.numel(); ++i) table.value.mutable_data<float>()[i] *= 1.25F;
    const auto want = losses(model);
    const fs::path to = dir_ / what;
    fs::create_directories(to);
    write_adapter(ctx_, model, state, 0.0, "", "", to);
    const PeftAdapterReader reader(to);
    ASSERT_EQ(reader.replaced().size(), 2U);
    EXPECT_EQ(reader.config().modules_to_save, (std::vector<std::string>{"embed_tokens", "lm_head"}));
    EXPECT_FALSE(reader.in_place("lm_head.weight"));
    EXPECT_EQ(losses(load("tied", to)), want);
  }
}

// A step changes lengths, and with them what the next one computes.
TEST_F(WriteAdapterTest, MagnitudesLearn) {
  Model model = load("untied", adapters_of_every_kind() / "dora");
  const LoraState state = lora_setup(ctx_, model, {});
  EXPECT_EQ(model.trainable().size(), 21U);  // A, B and m of seven
  Lora& lora = *model.find_linear("model.layers.0.self_attn.q_proj")->lora();
  const auto before = losses(model);
  for (std::int64_t i = 0; i < lora.b.value.numel(); ++i) lora.b.value.mutable_data<float>()[i] *= 2.0F;
  model.update_magnitudes(ctx_);
  const auto after = losses(model);
  EXPECT_NE(after, before);
  write_adapter(ctx_, model, state, 0.0, "", "", dir_.path());
  const auto have = losses(load("untied", dir_.path()));
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(have[i], after[i], 1e-5);
}

// PEFT gives magnitudes to all modules of an adapter or to none; a new one changes nothing at first.
TEST_F(WriteAdapterTest, ANewModuleOfAnAdapterWithMagnitudesHasOne) {
  const fs::path from = adapters_of_every_kind() / "dora_embedding_tied";
  Model model = load("tied", from);
  const auto before = losses(model);
  lora_setup(ctx_, model, {.targets = {"o_proj", "up_proj"}, .rank = 3});
  ASSERT_NE(model.find_linear("model.layers.1.mlp.up_proj")->lora()->magnitude, nullptr);
  const auto after = losses(model);
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-5);
}

TEST_F(WriteAdapterTest, NothingIsPutBesideMagnitudesOrAnEmbeddingsPart) {
  for (const char* name : {"dora", "embedding"}) {
    Model model = load("untied", adapters_of_every_kind() / name);
    io_test::expect_error(ErrorCode::kInvalidArgument, {"stacked"},
                          [&] { lora_setup(ctx_, model, {.start = LoraStart::kStacked}); });
  }
}

// PEFT finds the language model's modules by the names that they have there, and others that end alike.
TEST_F(WriteAdapterTest, NamesOfALanguageModelWithinAModelWithImages) {
  const fs::path alone = gemma_alone(dir_ / "alone");
  const fs::path base = gemma_within_images(alone, dir_ / "base"), to = dir_ / "adapter";
  Model model = Model::load(ctx_, base);
  const LoraState state =
      lora_setup(ctx_, model, {.targets = {"q_proj", "down_proj"}, .rank = 2, .whole = {"norms"}});
  for (Parameter* p : model.trainable()) {
    for (std::int64_t i = 0; i < p->value.numel(); ++i) p->value.mutable_data<float>()[i] += 0.1F;
  }
  const auto want = losses(model);
  fs::create_directories(to);
  write_adapter(ctx_, model, state, 0.0, "", "", to);
  const SafetensorsReader file(to / "adapter_model.safetensors");
  EXPECT_NE(file.find("base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight"),
            nullptr);
  EXPECT_NE(file.find("base_model.model.model.language_model.norm.weight"), nullptr);
  const PeftAdapterReader back(to);
  EXPECT_EQ(back.config().target_modules.front(), "model.language_model.layers.0.mlp.down_proj");
  EXPECT_NE(back.find("model.layers.0.mlp.down_proj"), nullptr);
  EXPECT_EQ(losses(Model::load(ctx_, base, {.adapter = to})), want);
  EXPECT_EQ(losses(Model::load(ctx_, alone, {.adapter = to})), want) << "beside the language model alone";
}

}  // namespace
}  // namespace lq
