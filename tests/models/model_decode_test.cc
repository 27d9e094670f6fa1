// Passes over the next tokens of sequences whose keys and values are cached: in pieces, together, and
// refused.
#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"
#include "models/model.h"
#include "reference/numbers.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using reference::relative_difference;

class ModelDecode : public ::testing::Test {
 protected:
  ModelDecode() {
    reference::write_random_model(pool_, {.dtype = DType::kF32}, dir_ / "model");
    model_.emplace(Model::load(ctx_, dir_ / "model"));
  }
  std::int64_t hidden() const { return model_->spec().hidden; }
  std::int64_t vocab() const { return model_->spec().vocab; }
  std::span<const std::int32_t> ids(std::size_t from, std::size_t count) const {
    return std::span(ids_).subspan(from, count);
  }
  // The stream after the last block of ids that go on behind a cache.
  std::vector<float> extended(KvCache& cache, std::span<const std::int32_t> next) {
    std::vector<float> x(next.size() * static_cast<std::size_t>(hidden()));
    model_->extend(ctx_, ws_, cache, next, {x.data(), std::ssize(next), hidden()});
    return x;
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  std::atomic<bool> stop_ = false;
  Context ctx_{pool_, progress_, 0, StopToken(&stop_)};
  Workspace ws_;
  std::optional<Model> model_;
  std::vector<std::int32_t> ids_ = {1, 5, 9, 3, 80, 2, 44, 7, 1};
};

TEST_F(ModelDecode, TokenByTokenGivesTheSameLogitsAsAllAtOnce) {
  const std::vector<std::int64_t> starts = {0, 4, 9};
  const TokenBatch batch = {ids_, starts};
  const auto targets = next_token_targets(batch);
  std::vector<float> losses(ids_.size());
  std::vector<float> whole;
  model_->losses(ctx_, ws_, batch, targets, losses, [&](std::int64_t begin, ConstMatrix logits) {
    EXPECT_EQ(begin, 0);
    whole.assign(logits.data, logits.data + logits.rows * logits.cols);
  });
  const auto width = static_cast<std::size_t>(vocab());
  for (std::size_t s = 0; s + 1 < starts.size(); ++s) {
    KvCache cache = model_->make_cache(8);
    for (auto t = static_cast<std::size_t>(starts[s]); t < static_cast<std::size_t>(starts[s + 1]); ++t) {
      std::vector<float> logits(width);
      model_->decode(ctx_, ws_, cache, ids(t, 1), {logits.data(), 1, vocab()});
      const std::span<const float> want = std::span<const float>(whole).subspan(t * width, width);
      EXPECT_LT(relative_difference(logits, want), 1e-5) << "token " << t;
    }
  }
}

TEST_F(ModelDecode, PiecesEndWhereTheWholeEnds) {
  KvCache at_once = model_->make_cache(16);
  const std::vector<float> whole = extended(at_once, ids_);
  for (const std::size_t first : {1U, 3U, 8U}) {
    KvCache cache = model_->make_cache(16);
    std::vector<float> pieces = extended(cache, ids(0, first));
    EXPECT_EQ(cache.length(), static_cast<std::int64_t>(first));
    const std::vector<float> rest = extended(cache, ids(first, ids_.size() - first));
    pieces.insert(pieces.end(), rest.begin(), rest.end());
    EXPECT_EQ(cache.length(), std::ssize(ids_));
    EXPECT_LT(relative_difference(pieces, whole), 1e-5) << first;
  }
}

TEST_F(ModelDecode, SequencesOfUnequalLengthsGoOnTogetherAsAlone) {
  KvCache a = model_->make_cache(16), b = model_->make_cache(16);
  extended(a, ids(0, 5));
  extended(b, ids(2, 2));
  KvCache a_alone = model_->make_cache(16), b_alone = model_->make_cache(16);
  a_alone.begin_with(ctx_, a, 5);
  b_alone.begin_with(ctx_, b, 2);
  const std::vector<std::int32_t> next = {44, 7, 80};  // one of a, two of b
  const std::vector<std::int64_t> starts = {0, 1, 3};
  KvCache* const caches[] = {&a, &b};
  std::vector<float> x(3 * static_cast<std::size_t>(hidden()));
  model_->extend(ctx_, ws_, caches, {next, starts}, {x.data(), 3, hidden()});
  EXPECT_EQ(a.length(), 6);
  EXPECT_EQ(b.length(), 4);
  std::vector<float> want = extended(a_alone, std::span(next).first(1));
  const std::vector<float> second = extended(b_alone, std::span(next).last(2));
  want.insert(want.end(), second.begin(), second.end());
  EXPECT_LT(relative_difference(x, want), 1e-5);
}

TEST_F(ModelDecode, LogitsAreOfTheLastTokenAlone) {
  std::vector<float> at_once(static_cast<std::size_t>(vocab())), last(at_once.size());
  KvCache one = model_->make_cache(16), two = model_->make_cache(16);
  model_->decode(ctx_, ws_, one, ids_, {at_once.data(), 1, vocab()});
  extended(two, ids(0, ids_.size() - 1));
  model_->decode(ctx_, ws_, two, ids(ids_.size() - 1, 1), {last.data(), 1, vocab()});
  EXPECT_LT(relative_difference(last, at_once), 1e-5);
}

TEST_F(ModelDecode, WhatDoesNotFitIsRefusedAndTheCacheStaysAsItWas) {
  KvCache cache = model_->make_cache(4);
  extended(cache, ids(0, 3));
  const std::vector<float> after_three = extended(cache, ids(3, 1));
  cache.truncate(3);
  std::vector<float> x(9 * static_cast<std::size_t>(hidden())), logits(static_cast<std::size_t>(vocab()));
  // No token, logits of another width, more tokens than the cache holds, a cache for each of two sequences.
  EXPECT_THROW(model_->extend(ctx_, ws_, cache, {}, {x.data(), 1, hidden()}), Error);
  EXPECT_THROW(model_->decode(ctx_, ws_, cache, ids(3, 1), {logits.data(), 1, vocab() - 1}), Error);
  EXPECT_THROW(model_->extend(ctx_, ws_, cache, ids(0, 2), {x.data(), 2, hidden()}), Error);
  KvCache* const one[] = {&cache};
  const std::vector<std::int64_t> starts = {0, 1, 2};
  EXPECT_THROW(model_->extend(ctx_, ws_, one, {ids(0, 2), starts}, {x.data(), 2, hidden()}), Error);
  const std::vector<std::int32_t> unknown = {static_cast<std::int32_t>(vocab())};
  EXPECT_THROW(model_->extend(ctx_, ws_, cache, unknown, {x.data(), 1, hidden()}), Error);
  stop_ = true;
  EXPECT_THROW(extended(cache, ids(3, 1)), Error);
  stop_ = false;
  EXPECT_EQ(cache.length(), 3);
  EXPECT_EQ(extended(cache, ids(3, 1)), after_three);
}

}  // namespace
}  // namespace lq
