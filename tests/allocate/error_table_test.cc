#include "allocate/error_table.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "base/error.h"
#include "reference/synthetic_table.h"

namespace lq {
namespace {

ErrorTable one_block_table() {
  return reference::synthetic_table(reference::llama_matrices(1, 64, 128, 64), 1);
}

TEST(CheckErrorTable, NamesWhatIsWrong) {
  const auto says = [](const std::function<void(ErrorTable&)>& damage, const char* part) {
    ErrorTable table = one_block_table();
    check_error_table(table, "t.json");
    damage(table);
    try {
      check_error_table(table, "t.json");
      ADD_FAILURE() << "accepted; expected: " << part;
    } catch (const Error& e) {
      const std::string message = e.what();
      EXPECT_EQ(message.rfind("t.json: ", 0), 0U) << message;
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  says([](ErrorTable& t) { t.matrices.clear(); }, "no matrices");
  says([](ErrorTable& t) { t.configs.clear(); }, "no configs");
  says([](ErrorTable& t) { t.bits.pop_back(); }, "make 3024 cells");
  says([](ErrorTable& t) { t.errors.push_back(0); }, "3025 errors");
  says([](ErrorTable& t) { t.matrices[2].name = t.matrices[0].name; }, "q_proj.weight\" is there twice");
  says([](ErrorTable& t) { t.matrices[2].name = ""; }, "without a name");
  says([](ErrorTable& t) { t.matrices[2].rows = 0; }, "is 0 x 64");
  says([](ErrorTable& t) { t.matrices[2].cols = -5; }, "is 64 x -5");
  says([](ErrorTable& t) { t.matrices[2].cols = 1LL << 40; }, "both sizes must be from 1");
  says(
      [](ErrorTable& t) {
        for (TableMatrix& m : t.matrices) m.rows = m.cols = 2147483647;
      },
      "at most 2^53");
  says([](ErrorTable& t) { t.configs[7] = t.configs[3]; },
       "configs[7], 2,2,bf16,32,16 with rank 0, is there twice");
  says([](ErrorTable& t) { t.configs[7].clear(); }, "configs[7] has no name");
  says([](ErrorTable& t) { t.rank = -1; }, "rank is -1");
  says([](ErrorTable& t) { t.ranks = {1, 2}; }, "2 ranks for 432 configs");
  says([](ErrorTable& t) { t.factor_bits = 0; }, "factor_bits is 0");
  says([](ErrorTable& t) { t.bits[5] = 0; }, "bits[0][5]");
  says([](ErrorTable& t) { t.bits[5] = kNan; }, "is nan");
  says([](ErrorTable& t) { t.bits[432 + 5] = 1e7; }, "bits[1][5]");
  says([](ErrorTable& t) { t.errors[5] = -1e-300; }, "errors[0][5]");
  says([](ErrorTable& t) { t.errors[5] = kNan; }, "must be from 0");
  says([](ErrorTable& t) { t.errors[5] = kInfinity; }, "is inf");
  says([](ErrorTable& t) { t.ranks.assign(432, 64); },
       "the factors of rank 64 alone take 32 and must be counted in");
}

TEST(CheckErrorTable, AConfigurationMayStandOnceForEachRank) {
  ErrorTable table;
  table.matrices = {{"a", 1024, 1024}};
  table.configs = {reference::kNf4, reference::kNf4};
  table.ranks = {8, 16};
  table.bits = {4.4, 4.7};
  table.errors = {2, 1};
  check_error_table(table, "t");
  table.ranks = {8, 8};
  EXPECT_THROW(check_error_table(table, "t"), Error);
}

TEST(WithFactorBits, OnlyTheFactorsCountAnew) {
  ErrorTable table;
  table.matrices = {{"a", 64, 128}, {"b", 32, 32}};
  table.configs = {reference::kNf4, reference::kNf4};
  table.ranks = {0, 8};
  table.factor_bits = 16;
  for (const TableMatrix& m : table.matrices) {
    table.bits.push_back(4.127);
    table.bits.push_back(4.127 + factor_bits_per_weight(m, 8, 16));
  }
  table.errors = {2, 1, 2, 1};
  const ErrorTable wide = with_factor_bits(table, 128);
  check_error_table(wide, "t");
  EXPECT_EQ(wide.factor_bits, 128);
  EXPECT_EQ(wide.bits[0], 4.127);
  EXPECT_NEAR(wide.bits[1], 4.127 + 8.0 * (64 + 128) * 128 / (64 * 128), 1e-12);
  EXPECT_NEAR(wide.bits[3], 4.127 + 8.0 * (32 + 32) * 128 / (32 * 32), 1e-12);
  EXPECT_NEAR(with_factor_bits(wide, 16).bits[3], table.bits[3], 1e-12);
}

TEST(CheckTableCovers, HashesNamesAndShapes) {
  const ErrorTable table = one_block_table();
  check_table_covers(table, "synthetic", table.matrices, "t");
  check_table_covers(table, "", table.matrices, "t");
  check_table_covers(table, "synthetic", {}, "t");
  const auto says = [&](std::string_view hash, std::vector<TableMatrix> matrices, const char* part) {
    try {
      check_table_covers(table, hash, matrices, "t");
      ADD_FAILURE() << "accepted; expected: " << part;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kMismatch);
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  says("abc", {}, "made from the model with hash synthetic, but this one has abc");
  says("", {{"lm_head.weight", 10, 10}}, "\"lm_head.weight\" of the model is missing");
  says("", {{table.matrices[1].name, 64, 65}}, "is 64 x 64, but 64 x 65 in the model");
}

}  // namespace
}  // namespace lq
