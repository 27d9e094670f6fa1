// What is gathered of experts, which see some of each sequence's tokens, against gradients of one sequence at
// a time.
#include <gtest/gtest.h>

#include <map>

#include "base/progress.h"
#include "calibrate/block_statistics.h"
#include "models/golden_numbers.h"
#include "models/model.h"

namespace lq {
namespace {

struct ExpertStatistics : testing::Test {
  ThreadPool pool{2};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::filesystem::path folder = golden::folder() / "mixtral";
  std::vector<std::int32_t> ids =
      golden::ints_of(SafetensorsReader(folder / "golden.safetensors").at("input_ids"));

  void backward(Model& model, std::span<const std::int32_t> part, const std::vector<std::int64_t>& starts) {
    Workspace ws;
    ModelTape tape;
    const TokenBatch batch{part, starts};
    std::vector<float> losses(part.size());
    model.losses_backward(ctx, ws, tape, batch, next_token_targets(batch), 1.0F, losses);
  }
};

TEST_F(ExpertStatistics, EqualTheDefinition) {
  constexpr std::int64_t kTokens = 17, kPredicted = 32;
  ASSERT_EQ(std::ssize(ids), 2 * kTokens);
  std::map<std::string, std::vector<double>> fisher;
  Model model = Model::load(ctx, folder);
  for (Parameter* p : model.parameters()) p->make_trainable();
  for (const std::int64_t begin : {std::int64_t{0}, kTokens}) {
    for (Parameter* p : model.parameters()) p->zero_grad();
    backward(model, std::span(ids).subspan(static_cast<std::size_t>(begin), kTokens), {0, kTokens});
    for (const Module& m : model.modules()) {
      const auto grads = m.linear->weight().parameter()->grads();
      std::vector<double>& sum = fisher[m.name];
      sum.resize(grads.size());
      for (std::size_t i = 0; i < grads.size(); ++i) sum[i] += double{grads[i]} * grads[i] / kPredicted;
    }
  }
  Model seen = Model::load(ctx, folder);
  std::map<std::string, Tensor> have;
  {
    Gather gather;
    gather.full_fisher = true;
    gather.held_out = false;
    BlockStatistics statistics(ctx, seen.block(1), gather);
    const std::vector<std::int64_t> starts = {0, kTokens, 2 * kTokens};
    statistics.begin(StatisticsPass::kGradients, starts, "a golden");
    backward(seen, ids, starts);
    for (auto& [name, t] : statistics.finish(pool, {kPredicted, 2 * kTokens, 0}))
      have.emplace(name, std::move(t));
  }
  int experts = 0;
  double shares = 0.0;
  for (const Module& m : seen.modules()) {
    if (m.layer != 1) continue;
    const Tensor& full = have.at(m.name + std::string(kFisher));
    const std::span<const float> values(full.data<float>(), static_cast<std::size_t>(full.numel()));
    std::vector<float> want(fisher[m.name].begin(), fisher[m.name].end());
    EXPECT_LT(golden::relative_difference(values, want), 1e-4) << m.name;
    if (m.role != Role::kExpertGate) continue;
    ++experts;
    // Every token goes to two experts, so that their inputs' moments sum to twice that of all tokens.
    const Tensor& moment = have.at(m.name + std::string(kInputMoment));
    for (std::int64_t i = 0; i < moment.dim(0); ++i) shares += moment.data<float>()[i * moment.dim(0) + i];
  }
  EXPECT_EQ(experts, 4);
  // Of one token the norm's output has a mean square of w^2; the sum of both experts is twice that in all.
  double norms = 0.0;
  const Parameter& w = *seen.find_parameter("model.layers.1.post_attention_layernorm.weight");
  for (const float v : w.values()) norms += double{v} * v;
  EXPECT_GT(shares, norms);
  EXPECT_LT(shares, 4.0 * norms);
}

}  // namespace
}  // namespace lq
