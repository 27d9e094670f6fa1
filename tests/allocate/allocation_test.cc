#include "allocate/allocation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "allocate/solve.h"
#include "base/error.h"
#include "files/json_file.h"
#include "reference/synthetic_table.h"

namespace lq {
namespace {

Allocation by_name(Allocation allocation) {
  std::sort(allocation.choices.begin(), allocation.choices.end(),
            [](const AllocatedMatrix& a, const AllocatedMatrix& b) { return a.name < b.name; });
  return allocation;
}

TEST(AllocationJson, SurvivesWritingAndReading) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "lq_allocation_test.json";
  ErrorTable table = reference::synthetic_table(reference::llama_matrices(2, 64, 128, 64), 1);
  table.rank = 8;
  const Allocation fixed = allocate(table, 3.0);
  write_allocation(path, fixed);
  EXPECT_EQ(read_allocation(path), by_name(fixed));
  Allocation ranks = fixed;
  ranks.has_ranks = true;
  ranks.factor_bits_per_weight = 0.25;
  for (std::size_t i = 0; i < ranks.choices.size(); ++i) ranks.choices[i].rank = static_cast<int>(i);
  ranks.choices[0].name = "a \"quoted\" name\n";
  write_allocation(path, ranks);
  EXPECT_EQ(read_allocation(path), by_name(ranks));
  // The contract's keys.
  const nlohmann::json json = read_json(path);
  for (const char* key : {"bits_per_weight", "objective", "bound", "gap"})
    EXPECT_TRUE(json[key].is_number()) << key;
  EXPECT_TRUE(json["choices"]["model.layers.1.mlp.up_proj.weight"].is_array());
  std::filesystem::remove(path);
}

TEST(AllocationJson, ByHandOnlyChoicesAreNeeded) {
  const auto json =
      parse_json(R"({"choices": {"b": [3, 8, "fp32", 64, 256], "a": [4, 8, "fp32", 64, 256]}})", "a");
  const Allocation allocation = allocation_from_json(json, "a.json");
  ASSERT_EQ(allocation.choices.size(), 2U);
  EXPECT_EQ(allocation.choices[0], (AllocatedMatrix{"a", reference::kNf4, 0}));
  EXPECT_EQ(allocation.choices[1], (AllocatedMatrix{"b", reference::kNf3, 0}));
}

TEST(AllocationJson, HostileAllocations) {
  for (const char* text : {"[]", "{}", R"({"choices": []})", R"({"choices": {}})", R"({"choices": {"a": 4}})",
                           R"({"choices": {"a": [5, {}, "fp32", 64, 256]}})", R"({"choices": {"a": ""}})",
                           R"({"gap": -1, "choices": {"a": [4, 8, "fp32", 64, 256]}})",
                           R"({"bound": "x", "choices": {"a": [4, 8, "fp32", 64, 256]}})",
                           R"({"model": 1, "choices": {"a": [4, 8, "fp32", 64, 256]}})",
                           R"({"rank": -1, "choices": {"a": [4, 8, "fp32", 64, 256]}})",
                           R"({"rank": "auto", "choices": {"a": [4, 8, "fp32", 64, 256]}})",
                           R"({"ranks": {"b": 1}, "choices": {"a": [4, 8, "fp32", 64, 256]}})",
                           R"({"ranks": {"a": 1, "b": 2}, "choices": {"a": [4, 8, "fp32", 64, 256]}})",
                           R"({"ranks": {"a": 1.5}, "choices": {"a": [4, 8, "fp32", 64, 256]}})"}) {
    try {
      allocation_from_json(parse_json(text, "a.json"), "a.json");
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile) << text;
      EXPECT_EQ(std::string(e.what()).rfind("a.json: ", 0), 0U) << e.what();
    }
  }
}

}  // namespace
}  // namespace lq
