// Models read from GGUF files compute what transformers computes from them
// (tests/goldens/make_gguf_goldens.py).
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "formats/safetensors_reader.h"
#include "models/golden_numbers.h"
#include "models/model.h"

namespace lq {
namespace {

class GgufModelTest : public testing::TestWithParam<const char*> {};

std::vector<float> logits_of(Context& ctx, const Model& model, const TokenBatch& batch) {
  Workspace ws;
  const std::vector<std::int32_t> targets(batch.ids.size(), 0);
  std::vector<float> losses(batch.ids.size());
  std::vector<float> logits(batch.ids.size() * static_cast<std::size_t>(model.spec().vocab));
  model.losses(ctx, ws, batch, targets, losses, [&](std::int64_t first, ConstMatrix chunk) {
    std::copy_n(chunk.data, chunk.size(), logits.data() + first * chunk.cols);
  });
  return logits;
}

std::size_t frozen_linears(Model& model) {
  std::size_t frozen = 0;
  for (const Module& module : model.modules()) {
    if (module.linear->weight().parameter() == nullptr) ++frozen;
  }
  return frozen;
}

TEST_P(GgufModelTest, LogitsAgreeWithTransformers) {
  const std::filesystem::path folder = golden::folder() / "gguf" / GetParam();
  const SafetensorsReader golden(folder / "golden.safetensors");
  const TensorView& tokens = golden.at("input_ids");
  const std::vector<std::int32_t> ids = golden::ints_of(tokens);
  std::vector<std::int64_t> starts;
  for (std::int64_t b = 0; b <= tokens.shape()[0]; ++b) starts.push_back(b * tokens.shape()[1]);

  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Model model = Model::load(ctx, folder / "model.gguf");
  const std::vector<float> logits = logits_of(ctx, model, {ids, starts});
  EXPECT_LT(golden::relative_difference(logits, golden::floats_of(golden.at("logits"))), 1e-4);

  // Matrices in blocks stay as the file has them, unless all weights are asked for as parameters.
  const std::string name = GetParam();
  const bool in_blocks = name == "llama" || name == "qwen2" || name == "qwen3";
  EXPECT_EQ(frozen_linears(model) > 0, in_blocks);
  Model decoded = Model::load(ctx, folder / "model.gguf", {.decode_all = true});
  EXPECT_EQ(frozen_linears(decoded), 0U);
  EXPECT_EQ(decoded.parameters().size() > model.parameters().size(), in_blocks);
  EXPECT_EQ(logits_of(ctx, decoded, {ids, starts}), logits);
}

INSTANTIATE_TEST_SUITE_P(Kinds, GgufModelTest,
                         testing::Values("llama", "llama_rope_llama3", "qwen2", "qwen3", "gemma2", "gemma3",
                                         "phi3", "phi3_long", "olmo2", "granite", "smollm3", "mixtral",
                                         "qwen3_moe", "gpt2"));

}  // namespace
}  // namespace lq
