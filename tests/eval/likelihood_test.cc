#include "eval/likelihood.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "support/paths.h"

namespace lq {
namespace {

struct Machine {
  ThreadPool pool;
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  explicit Machine(int threads) : pool(threads) {}
};

std::filesystem::path tiny_llama() {
  return std::filesystem::path(lq::test::source_dir()) / "tests" / "goldens" / "llama";
}

LikelihoodRequest request(std::vector<std::int32_t> ids, std::int64_t scored) {
  return {std::move(ids), scored, false};
}

// Shared beginnings, the same tokens before one scored token, a request twice, one alone.
std::vector<LikelihoodRequest> some_requests() {
  return {request({1, 5, 9, 13, 20, 21}, 2),
          request({1, 5, 9, 13, 20, 22}, 2),
          request({1, 5, 9, 13, 30}, 1),
          request({1, 5, 9, 13, 31}, 1),
          request({1, 5, 9, 13, 30}, 1),
          request({2, 3}, 1),
          request({1, 5, 9, 13, 20, 21, 40, 41, 42}, 5),
          request({1, 5, 9}, 2)};
}

// Token by token, in double.
double plain(Context& ctx, const Model& model, const LikelihoodRequest& r, bool* greedy) {
  Workspace ws;
  KvCache cache = model.make_cache(64);
  Tensor logits = Tensor::empty(DType::kF32, {1, model.spec().vocab});
  double sum = 0.0;
  *greedy = true;
  for (std::size_t t = 0; t + 1 < r.ids.size(); ++t) {
    model.decode(ctx, ws, cache, std::span(r.ids).subspan(t, 1), matrix_of(logits));
    if (static_cast<std::int64_t>(t) + 1 < std::ssize(r.ids) - r.scored) continue;
    const float* row = logits.data<float>();
    double all = 0.0;
    for (std::int64_t v = 0; v < logits.numel(); ++v) all += std::exp(double{row[v]});
    const std::int32_t target = r.ids[t + 1];
    sum += double{row[target]} - std::log(all);
    *greedy = *greedy && std::max_element(row, row + logits.numel()) - row == target;
  }
  return sum;
}

TEST(Likelihood, IsThatOfOneTokenAfterTheOther) {
  Machine m(2);
  const Model model = Model::load(m.ctx, tiny_llama());
  const auto requests = some_requests();
  const LikelihoodReport report = log_likelihoods(m.ctx, model, requests);
  ASSERT_EQ(report.likelihoods.size(), requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    bool greedy = false;
    EXPECT_NEAR(report.likelihoods[i].log_likelihood, plain(m.ctx, model, requests[i], &greedy), 1e-4) << i;
    EXPECT_EQ(report.likelihoods[i].greedy, greedy) << i;
  }
  EXPECT_LT(report.computed, report.tokens);  // what they share passed through the model once
}

TEST(Likelihood, HasTheSameBitsOnAnyNumberOfThreads) {
  Machine one(1);
  Machine seven(7);
  const Model a = Model::load(one.ctx, tiny_llama());
  const Model b = Model::load(seven.ctx, tiny_llama());
  const auto requests = some_requests();
  const auto x = log_likelihoods(one.ctx, a, requests);
  const auto y = log_likelihoods(seven.ctx, b, requests);
  for (std::size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(x.likelihoods[i].log_likelihood, y.likelihoods[i].log_likelihood) << i;
}

TEST(Likelihood, FindsTheGreedyContinuation) {
  Machine m(2);
  const Model model = Model::load(m.ctx, tiny_llama());
  std::vector<std::int32_t> ids = {1, 5, 9};
  Workspace ws;
  KvCache cache = model.make_cache(16);
  Tensor logits = Tensor::empty(DType::kF32, {1, model.spec().vocab});
  model.decode(m.ctx, ws, cache, ids, matrix_of(logits));
  const float* row = logits.data<float>();
  ids.push_back(static_cast<std::int32_t>(std::max_element(row, row + logits.numel()) - row));
  EXPECT_TRUE(log_likelihoods(m.ctx, model, std::vector{request(ids, 1)}).likelihoods[0].greedy);
  ids.back() = (ids.back() + 1) % static_cast<std::int32_t>(model.spec().vocab);
  EXPECT_FALSE(log_likelihoods(m.ctx, model, std::vector{request(ids, 1)}).likelihoods[0].greedy);
}

TEST(Likelihood, AModelIsNoDistanceFromItself) {
  Machine m(2);
  const Model model = Model::load(m.ctx, tiny_llama());
  const Model other =
      Model::load(m.ctx, std::filesystem::path(lq::test::source_dir()) / "tests/goldens/llama_rope_linear");
  const auto requests = some_requests();
  const auto same = log_likelihoods(m.ctx, model, requests, &model);
  const auto moved = log_likelihoods(m.ctx, model, requests, &other);
  double kl = 0.0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_NEAR(same.likelihoods[i].kl, 0.0, 1e-6);
    EXPECT_EQ(same.likelihoods[i].reference, same.likelihoods[i].log_likelihood);
    EXPECT_EQ(moved.likelihoods[i].log_likelihood, same.likelihoods[i].log_likelihood);
    kl += moved.likelihoods[i].kl;
  }
  EXPECT_GT(kl, 1e-3);
}

TEST(Likelihood, RefusesTokensThatTheModelDoesNotKnow) {
  Machine m(1);
  const Model model = Model::load(m.ctx, tiny_llama());
  EXPECT_THROW(log_likelihoods(m.ctx, model, std::vector{request({1, 5000}, 1)}), Error);
}

}  // namespace
}  // namespace lq
