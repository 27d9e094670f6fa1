// Whole models against Hugging Face transformers and PEFT (tests/goldens/make_goldens.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "models/golden_numbers.h"
#include "models/model.h"
#include "ops/cross_entropy.h"

namespace lq {
namespace {

const std::filesystem::path kGoldens = golden::folder();

class GoldenTest : public testing::TestWithParam<const char*> {
 protected:
  GoldenTest() : folder_(kGoldens / GetParam()), golden_(folder_ / "golden.safetensors") {
    ids_ = golden::ints_of(golden_.at("input_ids"));
    const Shape& shape = golden_.at("input_ids").shape();
    for (std::int64_t b = 0; b <= shape[0]; ++b) starts_.push_back(b * shape[1]);
    const std::vector<std::int32_t> labels = golden::ints_of(golden_.at("labels"));
    targets_.assign(ids_.size(), kIgnoreTarget);
    for (std::size_t t = 0; t + 1 < ids_.size(); ++t) {
      const bool last = std::ranges::find(starts_, static_cast<std::int64_t>(t) + 1) != starts_.end();
      if (!last) targets_[t] = labels[t + 1];
    }
    predicted_ = std::ranges::count_if(targets_, [](std::int32_t t) { return t != kIgnoreTarget; });
  }

  TokenBatch batch() const { return {ids_, starts_}; }

  // learns: every weight may, those too that a file has in blocks.
  Model load(bool adapter, bool learns = false) {
    return Model::load(ctx_, folder_, {.adapter = adapter ? folder_ / "adapter" : "", .decode_all = learns});
  }

  void expect_forward(const Model& model, const std::string& prefix) {
    Workspace ws;
    std::vector<float> losses(ids_.size());
    std::vector<float> logits(ids_.size() * static_cast<std::size_t>(model.spec().vocab));
    model.losses(ctx_, ws, batch(), targets_, losses, [&](std::int64_t first, ConstMatrix chunk) {
      std::copy_n(chunk.data, chunk.size(), logits.data() + first * chunk.cols);
    });
    double sum = 0.0;
    for (const float l : losses) sum += l;
    const float loss = golden::floats_of(golden_.at(prefix + "loss")).front();
    EXPECT_NEAR(sum / static_cast<double>(predicted_), loss, 1e-5 * loss);
    EXPECT_LT(golden::relative_difference(logits, golden::floats_of(golden_.at(prefix + "logits"))), 1e-4);
  }

  void backward(Model& model, Keep keep) {
    Workspace ws;
    ModelTape tape;
    tape.keep = keep;
    std::vector<float> losses(ids_.size());
    model.losses_backward(ctx_, ws, tape, batch(), targets_, 1.0F / static_cast<float>(predicted_), losses);
  }

  std::filesystem::path folder_;
  SafetensorsReader golden_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  std::vector<std::int32_t> ids_;
  std::vector<std::int64_t> starts_;
  std::vector<std::int32_t> targets_;
  std::int64_t predicted_ = 0;
};

TEST_P(GoldenTest, LogitsAndLossAgree) { expect_forward(load(false), ""); }

TEST_P(GoldenTest, AdapterLogitsAndLossAgree) { expect_forward(load(true), "lora_"); }

TEST_P(GoldenTest, GradientsOfEveryWeightAgree) {
  for (const Keep keep : {Keep::kBlocks, Keep::kActivations}) {
    Model model = load(false, true);
    for (Parameter* p : model.parameters()) p->make_trainable();
    backward(model, keep);
    std::size_t compared = 0;
    for (Parameter* p : model.parameters()) {
      EXPECT_LT(golden::relative_difference(std::span<float>(p->grads()),
                                            golden::floats_of(golden_.at("grad." + p->name))),
                1e-4)
          << p->name;
      ++compared;
    }
    const auto expected = std::ranges::count_if(
        golden_.tensors(), [](const TensorView& v) { return v.name().starts_with("grad."); });
    EXPECT_EQ(static_cast<std::int64_t>(compared), expected);
  }
}

TEST_P(GoldenTest, GradientsOfAdaptersAgree) {
  Model model = load(true);
  model.train_adapters();
  backward(model, Keep::kActivations);
  const std::vector<Parameter*> learning = model.trainable();
  for (Parameter* p : learning) {
    const TensorView& want = golden_.at("lora_grad.base_model.model." + p->name);
    EXPECT_LT(golden::relative_difference(std::span<float>(p->grads()), golden::floats_of(want)), 1e-4)
        << p->name;
  }
  const auto expected = std::ranges::count_if(
      golden_.tensors(), [](const TensorView& v) { return v.name().starts_with("lora_grad."); });
  EXPECT_EQ(std::ssize(learning), expected);
}

TEST_P(GoldenTest, DecodingTokenByTokenEqualsTheWholePass) {
  const Model model = load(true);
  const RopeConfig& rope = model.spec().rope;
  const bool longer = rope.type == RopeType::kLongRope && starts_[1] > rope.original_positions;
  if (rope.type == RopeType::kDynamic || longer) {
    GTEST_SKIP() << "cached keys keep the angles of the length at their time, here as in transformers";
  }
  Workspace ws;
  const std::int64_t vocab = model.spec().vocab;
  const std::vector<float> want = golden::floats_of(golden_.at("lora_logits"));
  KvCache cache = model.make_cache(starts_[1]);
  Tensor logits = Tensor::empty(DType::kF32, {1, vocab});
  // A prompt of 5, then 3 at once, then one by one.
  std::int64_t at = 0;
  for (std::int64_t step : {5, 3}) {
    model.decode(ctx_, ws, cache,
                 std::span(ids_).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(step)),
                 matrix_of(logits));
    at += step;
    EXPECT_LT(golden::relative_difference({logits.data<float>(), static_cast<std::size_t>(vocab)},
                                          std::span(want).subspan(static_cast<std::size_t>((at - 1) * vocab),
                                                                  static_cast<std::size_t>(vocab))),
              1e-4);
  }
  for (; at < starts_[1]; ++at) {
    model.decode(ctx_, ws, cache, std::span(ids_).subspan(static_cast<std::size_t>(at), 1),
                 matrix_of(logits));
    EXPECT_LT(golden::relative_difference({logits.data<float>(), static_cast<std::size_t>(vocab)},
                                          std::span(want).subspan(static_cast<std::size_t>(at * vocab),
                                                                  static_cast<std::size_t>(vocab))),
              1e-4)
        << at;
  }
}

TEST_P(GoldenTest, GreedyIdsAgree) {
  const TensorView* const want = golden_.find("greedy");
  if (want == nullptr) GTEST_SKIP() << "this golden has no greedy ids";
  const Model model = load(false);
  Workspace ws;
  const std::vector<std::int32_t> ids = golden::ints_of(*want);
  KvCache cache = model.make_cache(32);
  Tensor logits = Tensor::empty(DType::kF32, {1, model.spec().vocab});
  std::vector<std::int32_t> next(ids_.begin(), ids_.begin() + 6);
  for (const std::int32_t id : ids) {
    model.decode(ctx_, ws, cache, next, matrix_of(logits));
    float* const row = logits.mutable_data<float>();
    for (const std::int64_t eos : model.spec().eos) row[eos] = -1e30F;  // min_new_tokens
    const auto best = std::max_element(row, row + logits.numel()) - row;
    EXPECT_EQ(best, id);
    next = {id};
  }
}

TEST_P(GoldenTest, SequencesThatGoOnTogetherAreThoseThatGoOnAlone) {
  const Model model = load(true);
  const RopeType rope = model.spec().rope.type;
  if (rope == RopeType::kDynamic || rope == RopeType::kLongRope)
    GTEST_SKIP() << "angles are those of the longest sequence";
  Workspace ws;
  const std::int64_t hidden = model.spec().hidden;
  const auto n = starts_[1];
  const auto part = [&](std::int64_t from, std::int64_t count) {
    return std::span(ids_).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(count));
  };
  // Two sequences of which the second begins with a copy of the first one's beginning.
  KvCache first = model.make_cache(n);
  Tensor alone = Tensor::empty(DType::kF32, {n, hidden});
  model.extend(ctx_, ws, first, part(0, 3), matrix_of(alone).slice(0, 3));
  KvCache second = model.make_cache(n);
  second.begin_with(ctx_, first, 2);
  EXPECT_EQ(second.length(), 2);
  std::vector<std::int32_t> ids;
  for (const auto& ids_of_one : {part(3, n - 3), part(2, 2)})
    ids.insert(ids.end(), ids_of_one.begin(), ids_of_one.end());
  const std::int64_t starts[] = {0, n - 3, n - 1};
  KvCache* const caches[] = {&first, &second};
  Tensor together = Tensor::empty(DType::kF32, {n - 1, hidden});
  model.extend(ctx_, ws, caches, {ids, starts}, matrix_of(together));
  EXPECT_EQ(first.length(), n);
  EXPECT_EQ(second.length(), 4);
  KvCache again = model.make_cache(n);
  model.extend(ctx_, ws, again, part(0, 3), matrix_of(alone).slice(0, 3));
  model.extend(ctx_, ws, again, part(3, n - 3), matrix_of(alone).slice(3, n - 3));
  const auto floats = [&](const Tensor& t, std::int64_t row, std::int64_t rows) {
    return std::span(t.data<float>() + row * hidden, static_cast<std::size_t>(rows * hidden));
  };
  EXPECT_LT(golden::relative_difference(floats(together, 0, n - 3), floats(alone, 3, n - 3)), 1e-4);
  EXPECT_LT(golden::relative_difference(floats(together, n - 3, 2), floats(alone, 2, 2)), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTest,
                         testing::Values("llama", "llama_batch", "llama_patterns", "llama_rope_dynamic",
                                         "llama_rope_linear", "llama_rope_llama3", "llama_rope_yarn",
                                         "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "phi3_long",
                                         "smollm3", "olmo2", "granite", "gpt2", "mixtral", "qwen3_moe",
                                         "qwen3_moe_stack", "gpt_oss", "gpt_oss_mxfp4"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace lq
