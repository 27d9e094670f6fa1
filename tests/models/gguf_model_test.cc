// Models read from GGUF files compute what transformers computes from them
// (tests/goldens/make_gguf_goldens.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <vector>

#include "formats/safetensors_reader.h"
#include "models/model.h"
#include "support/paths.h"

namespace lq {
namespace {

class GgufModelTest : public testing::TestWithParam<const char*> {};

TEST_P(GgufModelTest, LogitsAgreeWithTransformers) {
  const std::filesystem::path folder =
      std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "gguf" / GetParam();
  const SafetensorsReader golden(folder / "golden.safetensors");
  const TensorView& tokens = golden.at("input_ids");
  std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens.numel()));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::int64_t id = 0;
    std::memcpy(&id, tokens.data + 8 * i, 8);
    ids[i] = static_cast<std::int32_t>(id);
  }
  std::vector<std::int64_t> starts;
  for (std::int64_t b = 0; b <= tokens.shape()[0]; ++b) starts.push_back(b * tokens.shape()[1]);

  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const Model model = Model::load(ctx, folder / "model.gguf");
  Workspace ws;
  const std::vector<std::int32_t> targets(ids.size(), 0);
  std::vector<float> losses(ids.size());
  std::vector<float> logits(ids.size() * static_cast<std::size_t>(model.spec().vocab));
  model.losses(ctx, ws, {ids, starts}, targets, losses, [&](std::int64_t first, ConstMatrix chunk) {
    std::copy_n(chunk.data, chunk.size(), logits.data() + first * chunk.cols);
  });
  const Tensor want = golden.at("logits").copy_f32();
  ASSERT_EQ(static_cast<std::size_t>(want.numel()), logits.size());
  float largest = 0.0F;
  float difference = 0.0F;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    largest = std::max(largest, std::abs(want.data<float>()[i]));
    difference = std::max(difference, std::abs(want.data<float>()[i] - logits[i]));
  }
  EXPECT_LT(difference, 1e-4F * largest);
}

INSTANTIATE_TEST_SUITE_P(Kinds, GgufModelTest,
                         testing::Values("llama", "llama_rope_llama3", "qwen2", "qwen3"));

}  // namespace
}  // namespace lq
