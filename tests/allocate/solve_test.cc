#include "allocate/solve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "base/error.h"
#include "reference/chunked_allocation.h"
#include "reference/synthetic_table.h"

namespace lq {
namespace {

constexpr double kNf4Bits = 4.126953125;  // 4 + 8/64 + 32/(64*256)

std::string message_of(const std::function<void()>& action, ErrorCode code) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code);
    return e.what();
  }
  return "no error";
}

// Bits and error of an allocation, looked up in the table again.
void check_against_table(const ErrorTable& table, const Allocation& allocation, double budget) {
  double storage = 0;
  double weights = 0;
  double error = 0;
  ASSERT_EQ(allocation.choices.size(), table.matrices.size());
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    EXPECT_EQ(allocation.choices[i].name, table.matrices[i].name);
    const auto found = std::find(table.configs.begin(), table.configs.end(), allocation.choices[i].choice);
    ASSERT_NE(found, table.configs.end());
    const std::size_t at = table.position(i, static_cast<std::size_t>(found - table.configs.begin()));
    const double size =
        static_cast<double>(table.matrices[i].rows) * static_cast<double>(table.matrices[i].cols);
    weights += size;
    storage += size * table.bits[at];
    error += table.errors[at];
  }
  EXPECT_LE(storage / weights, budget);
  EXPECT_NEAR(allocation.bits_per_weight, storage / weights, 1e-12);
  EXPECT_NEAR(allocation.objective, error, 1e-12 * error);
  EXPECT_LE(allocation.bound, allocation.objective);
  EXPECT_NEAR(allocation.gap, (allocation.objective - allocation.bound) / allocation.objective, 1e-15);
}

TEST(Allocate, ALlama7BToAProvenGap) {
  for (const double spread : {0.5, 1.0, 2.0}) {
    const ErrorTable table = reference::synthetic_table(reference::llama_7b(), 1, spread);
    const Allocator allocator(table);
    for (const double budget : {2.25, 2.5, 2.75, 3.0, 4.0, 5.3}) {
      const Allocation allocation = allocator.solve(budget);
      check_against_table(table, allocation, budget);
      EXPECT_LE(allocation.gap, 1e-4) << spread << " " << budget;
      EXPECT_GT(allocation.bits_per_weight, budget - 0.01);
    }
  }
}

TEST(Allocate, ALlama70BToAProvenGap) {
  const ErrorTable table = reference::synthetic_table(reference::llama_70b(), 2);
  for (const double budget : {2.5, 2.75, 3.0}) {
    const Allocation allocation = allocate(table, budget);
    check_against_table(table, allocation, budget);
    EXPECT_LE(allocation.gap, 1e-4);
  }
}

TEST(Allocate, NeverWorseThanABudgetSplitOverChunks) {
  const ErrorTable table = reference::synthetic_table(reference::llama_matrices(8, 4096, 11008, 4096), 3);
  const Programme programme = make_programme(table, {});
  const Allocator allocator(table);
  for (const double budget : {2.25, 2.75, 3.5}) {
    const double objective = allocator.solve(budget).objective;
    for (const std::size_t chunks : {2U, 4U, 8U}) {
      const auto chunked = reference::chunked_optimum(programme, budget * allocator.weights(), chunks);
      ASSERT_TRUE(chunked.has_value());
      EXPECT_LT(objective, *chunked) << budget << " bits, " << chunks << " chunks";
    }
  }
}

TEST(Allocate, AUniformBudgetIsNoWorseThanTheUniformConfiguration) {
  const ErrorTable table = reference::synthetic_table(reference::llama_matrices(4, 512, 1408, 512), 4);
  const auto nf4 =
      std::find(table.configs.begin(), table.configs.end(), reference::kNf4) - table.configs.begin();
  double uniform = 0;
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    uniform += table.errors[table.position(i, static_cast<std::size_t>(nf4))];
  }
  EXPECT_LT(allocate(table, kNf4Bits).objective, uniform);
  // A budget that only that configuration meets, to the last bit.
  const Allocation pinned = allocate(table, kNf4Bits, {.pins = {{"*", reference::kNf4, {}}}});
  EXPECT_EQ(pinned.bits_per_weight, kNf4Bits);
  EXPECT_EQ(pinned.gap, 0);
}

TEST(Allocate, SaysTheLeastPossible) {
  const ErrorTable table = reference::synthetic_table(reference::llama_matrices(1, 512, 1408, 512), 5);
  const Allocator allocator(table);
  const std::string message = message_of([&] { allocator.solve(2.0); }, ErrorCode::kInvalidArgument);
  // 2 + 2/64 + 16/(64*256) = 2.0322..., rounded up.
  EXPECT_NE(message.find("the least possible is 2.0323 bits"), std::string::npos) << message;
  const Allocation least = allocator.solve(2.0323);
  EXPECT_NEAR(least.bits_per_weight, 2 + 2.0 / 64 + 16.0 / (64 * 256), 1e-12);
  EXPECT_EQ(allocator.solve(allocator.least_bits()).bits_per_weight, least.bits_per_weight);
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    message_of([&] { allocator.solve(bad); }, ErrorCode::kInvalidArgument);
    EXPECT_THROW(allocator.solve(bad), Error);
  }
  EXPECT_THROW(allocator.solve(3.0, {.gap = -1}), Error);
}

TEST(Allocate, ABudgetAboveTheMostGivesEveryMatrixItsBest) {
  const ErrorTable table = reference::synthetic_table(reference::llama_matrices(1, 512, 1408, 512), 6);
  const Allocator allocator(table);
  for (const double budget : {allocator.most_bits(), 20.0, 1e6}) {
    const Allocation all = allocator.solve(budget);
    EXPECT_EQ(all.gap, 0);
    double best = 0;
    for (std::size_t i = 0; i < table.matrices.size(); ++i) {
      const auto row = table.errors.begin() + static_cast<std::ptrdiff_t>(table.position(i, 0));
      best += *std::min_element(row, row + 432);
    }
    EXPECT_NEAR(all.objective, best, 1e-14 * best);
  }
}

TEST(Allocate, RanksCountAndAreNamed) {
  ErrorTable table;
  table.matrices = {{"a", 256, 256}, {"b", 256, 512}};
  const std::string nf2 = reference::kNf2;
  const std::string nf4 = reference::kNf4;
  table.configs = {nf2, nf2, nf4};
  table.ranks = {0, 16, 0};
  for (const TableMatrix& m : table.matrices) {
    for (std::size_t c = 0; c < 3; ++c) {
      table.bits.push_back(codebook_bits_per_weight(parse_codebook_config(table.configs[c])) +
                           factor_bits_per_weight(m, table.ranks[c], 16));
    }
  }
  table.errors = {10, 1, 2, 10, 8, 2};  // a: rank 16 is worth it; b: better codes
  const Allocation best = allocate(table, 4.2);
  EXPECT_EQ(best.choices[0].choice, nf2);
  EXPECT_EQ(best.choices[0].rank, 16);
  EXPECT_EQ(best.choices[1].choice, nf4);
  EXPECT_EQ(best.choices[1].rank, 0);
  EXPECT_TRUE(best.has_ranks);
  // 16 (256 + 256) 16 bits over 3 * 256 * 256 weights.
  EXPECT_DOUBLE_EQ(best.factor_bits_per_weight, 16.0 * 512 * 16 / (3 * 65536.0));
  // With the factors alone above the budget.
  table.ranks = {16, 16, 16};
  table.configs = {nf2, reference::kNf3, nf4};
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      table.bits[table.position(i, c)] = codebook_bits_per_weight(parse_codebook_config(table.configs[c])) +
                                         factor_bits_per_weight(table.matrices[i], 16, 16);
    }
  }
  const std::string message = message_of([&] { allocate(table, 1.5); }, ErrorCode::kInvalidArgument);
  EXPECT_NE(message.find("1.6667 of them for low-rank factors"), std::string::npos) << message;
}

TEST(Allocate, RefusesABadTable) {
  ErrorTable table = reference::synthetic_table(reference::llama_matrices(1, 64, 128, 64), 7);
  table.errors[3] = std::nan("");
  EXPECT_THROW(Allocator{table}, Error);
}

TEST(Allocate, GivesTheSameTwice) {
  const ErrorTable table = reference::synthetic_table(reference::llama_7b(), 8, 2.0);
  const Allocation one = allocate(table, 6.25);
  EXPECT_EQ(one, allocate(table, 6.25));
}

}  // namespace
}  // namespace lq
