#include "data/data_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lq {
namespace {

TEST(DataReport, CountsByKindAndDetail) {
  DataReport report;
  EXPECT_TRUE(report.empty());
  report.count(Finding::kUnusedField, "id", "f:1");
  report.count(Finding::kInvalidUtf8, "", "f:2", 3);
  report.count(Finding::kUnusedField, "id", "f:3");
  report.count(Finding::kUnusedField, "source", "f:3");
  report.count(Finding::kEmptyTurn, "", "f:4", 0);
  EXPECT_EQ(report.total(Finding::kUnusedField), 3);
  EXPECT_EQ(report.total(Finding::kInvalidUtf8), 3);
  EXPECT_EQ(report.total(Finding::kEmptyTurn), 0);
  const auto lines = report.lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "field 'id' is not used (2 record(s)) (first: f:1)");
  EXPECT_TRUE(lines[1].starts_with("3 line(s) with bytes that are not UTF-8")) << lines[1];
  const auto json = report.to_json();
  EXPECT_EQ(json[0].dump(), R"({"what":"unused_field","detail":"id","count":2,"first":"f:1"})");
}

TEST(DataReport, JsonComesBack) {
  DataReport report;
  report.count(Finding::kUnusedField, "id", "f:1", 2);
  report.count(Finding::kInvalidUtf8, "", "f:2");
  nlohmann::ordered_json json = {{"findings", report.to_json()}};
  const auto back = [&] { return DataReport::from_records(JsonObject(json, "f").sections("findings")); };
  EXPECT_EQ(back().to_json(), report.to_json());
  json["findings"].push_back(json["findings"][0]);
  json["findings"][2]["what"] = "of_a_later_version";
  EXPECT_EQ(back().to_json(), report.to_json());
  json.erase("findings");
  EXPECT_TRUE(back().empty());
}

TEST(DataReport, AddsAnother) {
  DataReport a, b;
  a.count(Finding::kEmptySystem, "", "a:1", 2);
  b.count(Finding::kEmptySystem, "", "b:1", 5);
  b.count(Finding::kColumnNotWritten, "tools", "b:2");
  a.add(b);
  EXPECT_EQ(a.total(Finding::kEmptySystem), 7);
  EXPECT_EQ(a.total(Finding::kColumnNotWritten), 1);
  EXPECT_NE(a.lines()[0].find("first: a:1"), std::string::npos);
}

// Every kind has words; a detail from a hostile file cannot break the line.
TEST(DataReport, EveryKindHasWords) {
  for (int i = 0; i <= static_cast<int>(Finding::kColumnNotWritten); ++i) {
    DataReport report;
    report.count(static_cast<Finding>(i), "de\ntail{}", "p", 42);
    const auto lines = report.lines();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("42"), std::string::npos) << lines[0];
    EXPECT_EQ(lines[0].find('\n'), std::string::npos);
    EXPECT_FALSE(report.to_json()[0]["what"].get<std::string>().empty());
  }
}

}  // namespace
}  // namespace lq
