// Reading and writing error tables.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "allocate/error_table.h"
#include "base/error.h"
#include "files/json_file.h"
#include "reference/synthetic_table.h"

namespace lq {
namespace {

constexpr const char* kByHand = R"({
  "configs": [[2, 8, "fp32", 64, 256], [4, 8, "fp32", 64, 256]],
  "matrices": [{"name": "a", "rows": 8, "cols": 16}, {"name": "b", "rows": 8, "cols": 4}],
  "bits": [[2.127, 4], [2.127, 4.127]],
  "errors": [[1e3, 0], [7, 0.5]], "made by": "me"})";

ErrorTable parse(const std::string& text) {
  return error_table_from_json(parse_json(text, "t.json"), "t.json");
}

class Folder : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(::testing::TempDir()) /
            (std::string("lq_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(path_);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }
  std::filesystem::path path_;
};

using ErrorTableFile = Folder;

TEST(ErrorTableJson, AHandWrittenTableNeedsOnlyTheNumbers) {
  const ErrorTable table = parse(kByHand);
  EXPECT_EQ(table.matrices.size(), 2U);
  EXPECT_EQ(table.matrices[1], (TableMatrix{"b", 8, 4}));
  EXPECT_EQ(table.configs[1], reference::kNf4);
  EXPECT_EQ(table.bits, (std::vector<double>{2.127, 4, 2.127, 4.127}));
  EXPECT_EQ(table.errors, (std::vector<double>{1000, 0, 7, 0.5}));
  EXPECT_EQ(table.rank, 0);
  EXPECT_EQ(table.model, "");
}

TEST(ErrorTableJson, ReadsWhatPythonWrites) {
  nlohmann::json json = nlohmann::json::parse(kByHand);
  json["model"] = "0123";
  json["rank"] = 64.0;
  json["matrices"][0]["rows"] = 8.0;
  json["method"] = nullptr;
  const ErrorTable table = error_table_from_json(json, "t");
  EXPECT_EQ(table.rank, 64);
  EXPECT_EQ(table.model, "0123");
  json["rank"] = nullptr;
  EXPECT_EQ(error_table_from_json(json, "t").rank, 0);
}

TEST(ErrorTableJson, RanksOfEachChoice) {
  nlohmann::json json = nlohmann::json::parse(kByHand);
  json["matrices"] = {{{"name", "a"}, {"rows", 1024}, {"cols", 1024}},
                      {{"name", "b"}, {"rows", 512}, {"cols", 512}}};
  json["configs"][1] = json["configs"][0];
  json["bits"] = {{2.4, 2.6}, {2.7, 3.2}};
  json["rank"] = "auto";
  json["ranks"] = {8, 16};
  const ErrorTable table = error_table_from_json(json, "t");
  EXPECT_EQ(table.ranks, (std::vector<int>{8, 16}));
  EXPECT_EQ(table.factor_bits, 16);
  EXPECT_EQ(error_table_from_json(nlohmann::json(error_table_to_json(table)), "t"), table);
  json["rank"] = 8;
  EXPECT_THROW(error_table_from_json(json, "t"), Error);
  json["rank"] = "auto";
  json.erase("ranks");
  EXPECT_THROW(error_table_from_json(json, "t"), Error);
}

TEST(ErrorTableJson, HostileTables) {
  const auto says = [](const std::function<void(nlohmann::json&)>& damage, const char* part) {
    nlohmann::json json = nlohmann::json::parse(kByHand);
    damage(json);
    try {
      error_table_from_json(json, "t.json");
      ADD_FAILURE() << "accepted: " << json.dump();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      EXPECT_EQ(std::string(e.what()).rfind("t.json: ", 0), 0U) << e.what();
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  using J = nlohmann::json;
  says([](J& j) { j = J::array(); }, "an object was expected, not array");
  says([](J& j) { j = 5; }, "an object was expected, not number");
  for (const char* key : {"configs", "matrices", "bits", "errors"}) {
    says([&](J& j) { j.erase(key); }, "is missing");
    says([&](J& j) { j[key] = nullptr; }, "is missing");
    // "key 'configs' is a string, but must be a list", "key 'matrices' is "x", but a list of objects was ..."
    says([&](J& j) { j[key] = "x"; }, "a list");
    says([&](J& j) { j[key] = J::object(); }, "a list");
  }
  says([](J& j) { j["bits"].push_back({1, 2}); }, "'bits' has 3 rows, but there are 2 matrices");
  says([](J& j) { j["errors"][1].push_back(3); }, "errors[1] has 3 numbers, but there are 2 configs");
  says([](J& j) { j["errors"][0].erase(0); }, "errors[0] has 1 numbers");
  says([](J& j) { j["errors"][1] = 7; }, "errors[1] has 0 numbers");
  says([](J& j) { j["errors"][1][0] = nullptr; }, "errors[1][0] is a null");
  says([](J& j) { j["errors"][1][0] = "1"; }, "errors[1][0] is a string");
  says([](J& j) { j["errors"][1][0] = true; }, "errors[1][0] is a boolean");
  says([](J& j) { j["errors"][1][0] = -1; }, "must be from 0");
  says([](J& j) { j["errors"][1][0] = 1e300; }, "must be from 0");
  says([](J& j) { j["bits"][0][1] = 0; }, "must be above 0");
  says([](J& j) { j["bits"][0][1] = -4; }, "must be above 0");
  says(
      [](J& j) {
        j["configs"] = J::array();
        j["bits"] = {J::array(), J::array()};
        j["errors"] = j["bits"];
      },
      "no configs");
  says([](J& j) { j["matrices"] = j["bits"] = j["errors"] = J::array(); }, "no matrices");
  says([](J& j) { j["configs"][0] = {2, 8.5}; }, "configs[0]");
  says([](J& j) { j["configs"][0] = J::array(); }, "configs[0]");
  says([](J& j) { j["configs"][0] = ""; }, "configs[0]");
  says([](J& j) { j["configs"][0] = j["configs"][1]; }, "there twice");
  says([](J& j) { j["matrices"][0] = "a"; }, "'matrices[0]' is \"a\", but an object was");
  says([](J& j) { j["matrices"][0].erase("rows"); }, "'matrices[0].rows' is missing");
  says([](J& j) { j["matrices"][0]["name"] = 5; }, "'matrices[0].name' is 5, but a text");
  says([](J& j) { j["matrices"][0]["rows"] = "8"; }, "'matrices[0].rows' is \"8\", but an integer");
  says([](J& j) { j["matrices"][0]["rows"] = 8.5; }, "'matrices[0].rows' is 8.5, but an integer");
  says([](J& j) { j["matrices"][0]["rows"] = 1e30; }, "'matrices[0].rows' is 1e+30, but an integer");
  says([](J& j) { j["matrices"][0]["rows"] = 18446744073709551615ULL; },
       "is 18446744073709551615, but an integer");
  says([](J& j) { j["matrices"][0]["rows"] = 0; }, "is 0 x 16");
  says([](J& j) { j["matrices"][1]["name"] = "a"; }, "there twice");
  says([](J& j) { j["model"] = 5; }, "'model' is 5, but a text");
  says([](J& j) { j["rank"] = -1; }, "'rank' is -1");
  says([](J& j) { j["rank"] = "many"; }, "'rank' is \"many\", but an integer");
  says([](J& j) { j["rank"] = 1000000000000000000LL; }, "'rank' is 1000000000000000000");
  says([](J& j) { j["ranks"] = J::array(); }, "\"ranks\" is empty");
  says([](J& j) { j["ranks"] = {1}; }, "1 ranks for 2 configs");
  for (const char* text :
       {"", "{", "[[[[", "{\"bits\": [1e999]}", "{\"bits\": NaN}", "\xff\xfe", "{\"a\":1,\"a\":2}"}) {
    EXPECT_THROW(parse(text), Error) << text;
  }
}

TEST_F(ErrorTableFile, SurvivesWritingAndReading) {
  const ErrorTable table = reference::synthetic_table(reference::llama_matrices(2, 64, 128, 64), 9, 8.0);
  for (const char* name : {"table.json", "table.json.gz"}) {
    write_error_table(path_ / name, table);
    EXPECT_EQ(read_error_table(path_ / name), table) << name;
  }
  EXPECT_LT(std::filesystem::file_size(path_ / "table.json.gz"),
            std::filesystem::file_size(path_ / "table.json") / 2);
}

TEST_F(ErrorTableFile, ErrorsNameTheFile) {
  try {
    read_error_table(path_ / "none.json");
    ADD_FAILURE() << "read a file that is not there";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("none.json"), std::string::npos);
  }
  std::ofstream(path_ / "half.json") << std::string(kByHand).substr(0, 200);
  try {
    read_error_table(path_ / "half.json");
    ADD_FAILURE() << "read half a file";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
    EXPECT_NE(std::string(e.what()).find("half.json"), std::string::npos);
  }
  ErrorTable bad = parse(kByHand);
  bad.errors[0] = -1;
  EXPECT_THROW(write_error_table(path_ / "bad.json", bad), Error);
  EXPECT_FALSE(std::filesystem::exists(path_ / "bad.json"));
}

}  // namespace
}  // namespace lq
