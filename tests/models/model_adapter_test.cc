// Adapters of every kind beside a model, against PEFT (tests/goldens/make_adapter_goldens.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "formats/safetensors_writer.h"
#include "models/golden_numbers.h"
#include "models/model.h"
#include "ops/cross_entropy.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

fs::path golden_adapters() { return golden::folder() / "adapters"; }

std::vector<std::string> adapter_cases() {
  std::vector<std::string> all;
  for (const auto& entry : fs::directory_iterator(golden_adapters())) {
    if (fs::exists(entry.path() / "base")) all.push_back(entry.path().filename().string());
  }
  std::sort(all.begin(), all.end());
  return all;
}

class ModelAdapterTest : public testing::TestWithParam<std::string> {
 protected:
  ModelAdapterTest()
      : golden_(golden_adapters() / GetParam() / "golden.safetensors"),
        ids_(golden::ints_of(golden_.at("input_ids"))) {
    std::ifstream file(golden_adapters() / GetParam() / "base");
    std::getline(file, base_);
    starts_ = {0, std::ssize(ids_)};
  }
  Model load() {
    return Model::load(ctx_, golden_adapters() / base_, {.adapter = golden_adapters() / GetParam()});
  }
  TokenBatch batch() const { return {ids_, starts_}; }

  SafetensorsReader golden_;
  std::vector<std::int32_t> ids_;
  std::vector<std::int64_t> starts_;
  std::string base_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  Workspace ws_;
};

TEST_P(ModelAdapterTest, LogitsAndLossAgree) {
  const Model model = load();
  std::vector<float> losses(ids_.size());
  std::vector<float> logits(ids_.size() * static_cast<std::size_t>(model.spec().vocab));
  model.losses(ctx_, ws_, batch(), next_token_targets(batch()), losses,
               [&](std::int64_t first, ConstMatrix m) {
                 std::copy_n(m.data, m.size(), logits.data() + first * m.cols);
               });
  EXPECT_LT(golden::relative_difference(logits, golden::floats_of(golden_.at("logits"))), 1e-4);
  double sum = 0.0;
  for (const float loss : losses) sum += loss;
  const float want = golden::floats_of(golden_.at("loss")).front();
  EXPECT_NEAR(sum / static_cast<double>(ids_.size() - 1), want, 1e-5 * want);
}

TEST_P(ModelAdapterTest, DecodingTokenByTokenAgrees) {
  const Model model = load();
  const std::vector<float> want = golden::floats_of(golden_.at("logits"));
  const auto vocab = static_cast<std::size_t>(model.spec().vocab);
  KvCache cache = model.make_cache(std::ssize(ids_));
  Tensor logits = Tensor::empty(DType::kF32, {1, model.spec().vocab});
  for (std::size_t t = 0; t < ids_.size(); ++t) {
    model.decode(ctx_, ws_, cache, std::span(ids_).subspan(t, 1), matrix_of(logits));
    EXPECT_LT(
        golden::relative_difference({logits.data<float>(), vocab}, std::span(want).subspan(t * vocab, vocab)),
        1e-4);
  }
}

TEST_P(ModelAdapterTest, GradientsAgree) {
  Model model = load();
  model.train_adapters();
  ModelTape tape;
  std::vector<float> losses(ids_.size());
  model.losses_backward(ctx_, ws_, tape, batch(), next_token_targets(batch()),
                        1.0F / static_cast<float>(ids_.size() - 1), losses);
  const std::vector<Parameter*> learning = model.trainable();
  for (Parameter* p : learning) {
    std::vector<float> want = golden::floats_of(golden_.at("grad.base_model.model." + p->name));
    if (p->name.ends_with("lora_embedding_A")) {  // kept the other way round
      const auto rank = static_cast<std::size_t>(p->value.dim(1));
      const std::vector<float> rows = want;
      for (std::size_t i = 0; i < want.size(); ++i) {
        want[i] = rows[i % rank * (want.size() / rank) + i / rank];
      }
    }
    EXPECT_LT(golden::relative_difference(std::span<float>(p->grads()), want), 1e-4) << p->name;
  }
  const auto expected = std::ranges::count_if(
      golden_.tensors(), [](const TensorView& v) { return v.name().starts_with("grad."); });
  EXPECT_EQ(std::ssize(learning), expected);
}

INSTANTIATE_TEST_SUITE_P(Adapters, ModelAdapterTest, testing::ValuesIn(adapter_cases()),
                         [](const auto& info) { return info.param; });

// As they stand in torch.save of a state dict.
TEST(ModelAdapter, NamesWithTheAdaptersOwnAreTheSame) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const io_test::TempDir dir;
  const fs::path from = golden_adapters() / "dora_embedding_and_head";
  fs::copy_file(from / "adapter_config.json", dir / "adapter_config.json");
  const SafetensorsReader file(from / "adapter_model.safetensors");
  std::vector<TensorSpec> specs;
  for (const TensorView& view : file.tensors()) {
    TensorSpec spec = view.spec;
    const std::size_t at = spec.name.ends_with(".weight") && spec.name.find("lora_") != std::string::npos
                               ? spec.name.size() - 7
                               : spec.name.size();
    if (spec.name.find("lora_") != std::string::npos) spec.name.insert(at, ".default");
    specs.push_back(spec);
  }
  SafetensorsWriter writer(dir / "adapter_model.safetensors", specs);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    writer.append(specs[i].name, file.tensors()[i].data, file.tensors()[i].bytes);
  }
  writer.finish();
  const auto losses = [&](const fs::path& adapter) {
    const Model model = Model::load(ctx, golden_adapters() / "untied", {.adapter = adapter});
    const std::vector<std::int32_t> ids = {1, 5, 9, 2, 44, 3, 60};
    const std::vector<std::int64_t> starts = {0, 7};
    std::vector<float> out(ids.size());
    Workspace ws;
    model.losses(ctx, ws, {ids, starts}, next_token_targets({ids, starts}), out);
    return out;
  };
  EXPECT_EQ(losses(dir.path()), losses(from));
}

// An adapter of alpha 16 at half its strength is one of alpha 8; at none the base is as it was.
TEST(ModelAdapter, WhatItAddsIsScaled) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const io_test::TempDir dir;
  const fs::path from = golden_adapters() / "head";
  fs::copy_file(from / "adapter_model.safetensors", dir / "adapter_model.safetensors");
  JsonObject config = JsonObject::load(from / "adapter_config.json");
  const double alpha = config.number("lora_alpha");
  config.json()["lora_alpha"] = alpha / 2.0;
  config.save(dir / "adapter_config.json");
  std::ifstream base_file(from / "base");
  std::string base;
  std::getline(base_file, base);
  const auto losses = [&](const ModelLoadOptions& options) {
    const Model model = Model::load(ctx, golden_adapters() / base, options);
    const std::vector<std::int32_t> ids = {1, 5, 9, 2, 44, 3, 60};
    const std::vector<std::int64_t> starts = {0, 7};
    std::vector<float> out(ids.size());
    Workspace ws;
    model.losses(ctx, ws, {ids, starts}, next_token_targets({ids, starts}), out);
    return out;
  };
  EXPECT_EQ(losses({.adapter = from, .lora_scale = 0.5}), losses({.adapter = dir.path()}));
  EXPECT_EQ(losses({.adapter = from, .lora_scale = 0.0}), losses({}));
  EXPECT_NE(losses({.adapter = from}), losses({}));
  io_test::expect_error(ErrorCode::kInvalidArgument, {"`lora-scale` 2", "no adapter"},
                        [&] { losses({.lora_scale = 2.0}); });
}

TEST(ModelAdapter, WhatReplacesATensorIsNotScaled) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const fs::path adapter = golden_adapters() / "saved_norms";
  io_test::expect_error(ErrorCode::kUnsupported, {"`lora-scale` 0.5", "cannot be scaled"}, [&] {
    Model::load(ctx, golden_adapters() / "untied", {.adapter = adapter, .lora_scale = 0.5});
  });
}

TEST(ModelAdapter, TyingOfLowRankPartsIsRefused) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const io_test::TempDir dir;
  const fs::path from = golden_adapters() / "embedding_tied";
  fs::copy_file(from / "adapter_model.safetensors", dir / "adapter_model.safetensors");
  JsonObject config = JsonObject::load(from / "adapter_config.json");
  config.json()["ensure_weight_tying"] = true;
  config.save(dir / "adapter_config.json");
  io_test::expect_error(ErrorCode::kUnsupported, {"ensure_weight_tying", "embed_tokens"},
                        [&] { Model::load(ctx, golden_adapters() / "tied", {.adapter = dir.path()}); });
  // As PEFT saves it where one of the two was a target: parts of both.
  const fs::path both = golden_adapters() / "embedding_and_head_tied";
  config = JsonObject::load(both / "adapter_config.json");
  fs::remove(dir / "adapter_model.safetensors");
  fs::copy_file(both / "adapter_model.safetensors", dir / "adapter_model.safetensors");
  config.json()["ensure_weight_tying"] = true;
  config.json()["target_modules"] = {"lm_head"};
  config.save(dir / "adapter_config.json");
  io_test::expect_error(ErrorCode::kUnsupported, {"embed_tokens: ensure_weight_tying", "not supported"},
                        [&] { Model::load(ctx, golden_adapters() / "tied", {.adapter = dir.path()}); });
}

}  // namespace
}  // namespace lq
