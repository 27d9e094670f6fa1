// What the first block reads, from the tables by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/golden_numbers.h"
#include "models/model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

struct InputCase {
  ThreadPool pool{1};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Model model;
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> starts;
  std::vector<std::int32_t> types = {};

  InputCase(const char* name, std::vector<std::int32_t> tokens, std::vector<std::int64_t> sequences)
      : model(Model::load(ctx, golden::folder() / name)),
        ids(std::move(tokens)),
        starts(std::move(sequences)) {}

  Parameter& table(Role role, const char* part = ".weight") {
    Parameter* found = model.find_parameter(model.names().module(role) + part);
    if (found == nullptr) throw std::runtime_error("no such parameter");
    return *found;
  }
  // Row of a table (or a vector: row 0).
  std::vector<float> row(Role role, std::int64_t index, const char* part = ".weight") {
    const Parameter& p = table(role, part);
    const std::int64_t width = model.spec().hidden;
    std::vector<float> out(static_cast<std::size_t>(width));
    convert_to_f32(p.value.dtype(), p.value.raw(), index * width, width, out.data());
    return out;
  }
  SequencePlan plan() { return model.plan(ctx, TokenBatch{ids, starts, types}); }
  // [tokens][hidden]
  std::vector<std::vector<float>> embedded() {
    const std::int64_t width = model.spec().hidden;
    std::vector<float> x(ids.size() * static_cast<std::size_t>(width), NAN);
    model.embed(ctx, plan(), ids, {x.data(), std::ssize(ids), width});
    std::vector<std::vector<float>> out;
    for (auto at = x.begin(); at != x.end(); at += width) out.emplace_back(at, at + width);
    return out;
  }
  void backward(const std::vector<float>& dx) {
    model.embed_backward(ctx, plan(), ids, {dx.data(), std::ssize(ids), model.spec().hidden});
  }
};

std::vector<float> added(std::vector<float> a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

// dx[t] = (t + 1) everywhere.
std::vector<float> numbered_gradient(const InputCase& c) {
  std::vector<float> dx;
  for (std::size_t t = 0; t < c.ids.size(); ++t) {
    dx.insert(dx.end(), static_cast<std::size_t>(c.model.spec().hidden), static_cast<float>(t + 1));
  }
  return dx;
}

// The first element of a row of a gradient, where all are the same.
float gradient_of(const Parameter& p, std::int64_t row, std::int64_t width) {
  const float* at = p.grad.data<float>() + row * width;
  for (std::int64_t i = 1; i < width; ++i) EXPECT_EQ(at[i], at[0]) << i;
  return at[0];
}

TEST(ModelInput, LearnedPositionsBeginAnewInEachSequence) {
  InputCase c("gpt2", {3, 5, 3, 60}, {0, 2, 4});
  const auto x = c.embedded();
  for (std::size_t t = 0; t < 4; ++t) {
    const auto position = static_cast<std::int64_t>(t % 2);
    EXPECT_EQ(x[t], added(c.row(Role::kEmbedding, c.ids[t]), c.row(Role::kPositions, position))) << t;
  }
}

// The padding's number is 1: where a text holds that token, it has row 1 and the next ones do not count it.
TEST(ModelInput, RobertasPaddingInATextIsNotCounted) {
  InputCase with("roberta_masked", {3, 1, 5, 1, 7, 8}, {0, 5, 6});
  const auto x = with.embedded();
  InputCase without("roberta_masked", {3, 5, 7, 8}, {0, 3, 4});
  const auto y = without.embedded();
  EXPECT_EQ(x[0], y[0]);
  EXPECT_EQ(x[2], y[1]);
  EXPECT_EQ(x[4], y[2]);
  EXPECT_EQ(x[5], y[3]) << "another sequence begins anew";
  EXPECT_EQ(x[1], x[3]);
  Parameter& positions = with.table(Role::kPositions);
  positions.make_trainable();
  with.backward(numbered_gradient(with));
  const std::int64_t width = with.model.spec().hidden;
  const auto moved = [&](std::int64_t row) {
    const float* const at = positions.grad.data<float>() + row * width;
    return std::any_of(at, at + width, [](float g) { return g != 0.0F; });
  };
  for (const std::int64_t row : {1, 2, 3, 4}) EXPECT_TRUE(moved(row)) << row;
  EXPECT_FALSE(moved(5));
}

TEST(ModelInput, TheMultiplierIsOnTheRowsOfTheTable) {
  InputCase c("gemma2", {7, 0}, {0, 2});
  const float multiplier = c.model.spec().embedding_multiplier;
  ASSERT_NE(multiplier, 1.0F);
  const auto x = c.embedded();
  for (std::size_t t = 0; t < 2; ++t) {
    const auto row = c.row(Role::kEmbedding, c.ids[t]);
    for (std::size_t i = 0; i < row.size(); ++i) EXPECT_FLOAT_EQ(x[t][i], multiplier * row[i]);
  }
}

// Layer norm, in double, of the sum of three rows: of the token, its position and its type.
TEST(ModelInput, EncodersNormalizeTheSumOfTheirTables) {
  InputCase c("bert_masked", {3, 5, 8}, {0, 1, 3});
  c.types = {1, 0, 1};
  const auto weight = c.row(Role::kEmbeddingNorm, 0), bias = c.row(Role::kEmbeddingNorm, 0, ".bias");
  const auto x = c.embedded();
  const std::int64_t positions[] = {0, 0, 1};
  for (std::size_t t = 0; t < 3; ++t) {
    const auto sum = added(added(c.row(Role::kEmbedding, c.ids[t]), c.row(Role::kPositions, positions[t])),
                           c.row(Role::kTypes, c.types[t]));
    double mean = 0.0, variance = 0.0;
    for (const float v : sum) mean += v / static_cast<double>(sum.size());
    for (const float v : sum) variance += (v - mean) * (v - mean) / static_cast<double>(sum.size());
    for (std::size_t i = 0; i < sum.size(); ++i) {
      EXPECT_NEAR(x[t][i], (sum[i] - mean) / std::sqrt(variance + 1e-12) * weight[i] + bias[i], 1e-4) << t;
    }
  }
}

TEST(ModelInput, WithoutTypesAllAreTheFirst) {
  InputCase c("bert_masked", {3, 5}, {0, 2});
  const auto without = c.embedded();
  c.types = {0, 0};
  EXPECT_EQ(c.embedded(), without);
  c.types = {0, 1};
  EXPECT_NE(c.embedded(), without);
}

TEST(ModelInput, RefusesWhatTheTablesDoNotHave) {
  const auto refused = [](InputCase& c, std::string_view part) {
    io_test::expect_error(ErrorCode::kInvalidArgument, {part}, [&] { c.embedded(); });
  };
  InputCase vocabulary("gpt2", {61}, {0, 1});
  refused(vocabulary, "has id 61, but the model's vocabulary has 61 ids");
  InputCase types("bert_masked", {3, 5}, {0, 2});
  types.types = {0, 2};
  refused(types, "[model] token type 2, but the model has 2 (type_vocab_size)");
  types.types = {-1, 0};
  refused(types, "[model] token type -1");
}

// RoBERTa's positions begin behind those of the padding: of 40 rows 38 are left.
TEST(ModelInput, SequencesEndWithTheTableOfPositions) {
  InputCase longest("roberta_masked", std::vector<std::int32_t>(38, 3), {0, 38});
  EXPECT_EQ(longest.embedded().size(), 38U);
  InputCase longer("roberta_masked", std::vector<std::int32_t>(39, 3), {0, 39});
  io_test::expect_error(ErrorCode::kInvalidArgument,
                        {"[model] a sequence of 39 tokens is longer than the model's 38 positions"},
                        [&] { longer.embedded(); });
  InputCase two("roberta_masked", std::vector<std::int32_t>(60, 3), {0, 30, 60});
  EXPECT_EQ(two.embedded().size(), 60U) << "each sequence by itself";
}

TEST(ModelInput, GradientsGoToTheRowsThatWereRead) {
  InputCase c("gpt2", {3, 5, 3, 60}, {0, 2, 4});
  Parameter& tokens = c.table(Role::kEmbedding);
  Parameter& positions = c.table(Role::kPositions);
  tokens.make_trainable(), positions.make_trainable();
  const std::int64_t width = c.model.spec().hidden;
  for (int times = 1; times <= 2; ++times) {
    c.backward(numbered_gradient(c));  // 1, 2, 3, 4; added to what is there
    const auto n = static_cast<float>(times);
    EXPECT_EQ(gradient_of(tokens, 3, width), n * 4.0F) << "1 + 3";
    EXPECT_EQ(gradient_of(tokens, 5, width), n * 2.0F);
    EXPECT_EQ(gradient_of(tokens, 60, width), n * 4.0F);
    EXPECT_EQ(gradient_of(tokens, 4, width), 0.0F);
    EXPECT_EQ(gradient_of(positions, 0, width), n * 4.0F);
    EXPECT_EQ(gradient_of(positions, 1, width), n * 6.0F);
    EXPECT_EQ(gradient_of(positions, 2, width), 0.0F);
  }
}

TEST(ModelInput, TheMultiplierIsOnTheGradientToo) {
  InputCase c("gemma2", {7, 0}, {0, 2});
  Parameter& tokens = c.table(Role::kEmbedding);
  tokens.make_trainable();
  c.backward(numbered_gradient(c));
  EXPECT_FLOAT_EQ(gradient_of(tokens, 0, c.model.spec().hidden), 2.0F * c.model.spec().embedding_multiplier);
}

TEST(ModelInput, WhereNothingLearnsNothingHappens) {
  InputCase c("gpt2", {3, 5}, {0, 2});
  c.backward(numbered_gradient(c));
  EXPECT_FALSE(c.table(Role::kEmbedding).trainable());
  Parameter& positions = c.table(Role::kPositions);
  positions.make_trainable();
  c.backward(numbered_gradient(c));
  EXPECT_FALSE(c.table(Role::kEmbedding).trainable());
  EXPECT_EQ(gradient_of(positions, 1, c.model.spec().hidden), 2.0F) << "positions alone";
}

}  // namespace
}  // namespace lq
