#include "eval/likelihood.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "support/io_test_util.h"
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
  const auto same = log_likelihoods(m.ctx, model, requests, {.reference = &model});
  const auto moved = log_likelihoods(m.ctx, model, requests, {.reference = &other});
  double kl = 0.0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_NEAR(same.likelihoods[i].kl, 0.0, 1e-6);
    EXPECT_EQ(same.likelihoods[i].reference, same.likelihoods[i].log_likelihood);
    EXPECT_EQ(moved.likelihoods[i].log_likelihood, same.likelihoods[i].log_likelihood);
    kl += moved.likelihoods[i].kl;
  }
  EXPECT_GT(kl, 1e-3);
}

// A long beginning that all have, in pairs that go on alike, so that batches have bases and stems.
std::vector<LikelihoodRequest> many_requests() {
  std::vector<LikelihoodRequest> all;
  for (std::int32_t question = 0; question < 12; ++question) {
    for (std::int32_t answer = 0; answer < 3; ++answer) {
      std::vector<std::int32_t> ids;
      for (std::int32_t t = 0; t < 70; ++t) ids.push_back((7 * t + 1) % 60);
      for (std::int32_t t = 0; t < 10 + question; ++t) ids.push_back((question * 5 + t) % 60);
      for (std::int32_t t = 0; t <= answer; ++t) ids.push_back((question + 11 * answer + t) % 60);
      all.push_back(request(std::move(ids), answer + 1));
    }
  }
  return all;
}

TEST(Likelihood, OfManyIsThatOfEachAlone) {
  Machine m(2);
  const Model model = Model::load(m.ctx, tiny_llama());
  const auto requests = many_requests();
  const auto together = log_likelihoods(m.ctx, model, requests, {.batch_tokens = 100});
  std::vector<LikelihoodRequest> other = requests;
  std::reverse(other.begin(), other.end());
  const auto reversed = log_likelihoods(m.ctx, model, other, {.batch_tokens = 100});
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto alone = log_likelihoods(m.ctx, model, std::span(requests).subspan(i, 1));
    EXPECT_NEAR(together.likelihoods[i].log_likelihood, alone.likelihoods[0].log_likelihood, 1e-4) << i;
    EXPECT_EQ(together.likelihoods[i].greedy, alone.likelihoods[0].greedy) << i;
    EXPECT_EQ(together.likelihoods[i].log_likelihood,
              reversed.likelihoods[requests.size() - 1 - i].log_likelihood);
  }
  EXPECT_LT(together.computed, together.tokens / 3);
  // Caches for one sequence only: each batch has one.
  const auto narrow = log_likelihoods(m.ctx, model, requests, {.cache_bytes = 1});
  for (std::size_t i = 0; i < requests.size(); ++i)
    EXPECT_NEAR(narrow.likelihoods[i].log_likelihood, together.likelihoods[i].log_likelihood, 1e-4) << i;
}

// Stops a run after some batches, as a kill would.
class StopAfter final : public Progress {
 public:
  StopAfter(std::atomic<bool>& stop, int batches) : stop_(stop), left_(batches) {}
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {
    if (--left_ == 0) stop_ = true;
  }
  void end() override {}
  void note(std::string_view) override {}

 private:
  std::atomic<bool>& stop_;
  int left_;
};

TEST(Likelihood, AStoppedRunGoesOnToTheSameBits) {
  Machine m(2);
  const Model model = Model::load(m.ctx, tiny_llama());
  const auto requests = many_requests();
  const auto whole = log_likelihoods(m.ctx, model, requests, {.batch_tokens = 100});
  const io_test::TempDir dir;
  std::atomic<bool> stop = false;
  StopAfter progress(stop, 2);
  Context stopped{m.pool, progress, 0, StopToken(&stop)};
  {
    AnswerStore store(dir / "answers");
    EXPECT_THROW(log_likelihoods(stopped, model, requests, {.store = &store, .batch_tokens = 100}), Error);
  }
  AnswerStore store(dir / "answers");
  const auto resumed = log_likelihoods(m.ctx, model, requests, {.store = &store, .batch_tokens = 100});
  EXPECT_EQ(resumed.computed, whole.computed);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(resumed.likelihoods[i].log_likelihood, whole.likelihoods[i].log_likelihood) << i;
    EXPECT_EQ(resumed.likelihoods[i].greedy, whole.likelihoods[i].greedy) << i;
  }
}

TEST(Likelihood, RefusesTokensThatTheModelDoesNotKnow) {
  Machine m(1);
  const Model model = Model::load(m.ctx, tiny_llama());
  EXPECT_THROW(log_likelihoods(m.ctx, model, std::vector{request({1, 5000}, 1)}), Error);
}

}  // namespace
}  // namespace lq
