#include "files/json_file.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

TEST(JsonFile, ErrorsNameFileLineAndColumn) {
  const TempDir dir;
  const auto path = dir / "t.json";
  put_file(path, "{\n  \"a\": 1,\n  \"b\" 2\n}");
  expect_error(ErrorCode::kCorruptFile, {"[json] " + path.string(), "line 3, column 7"},
               [&] { read_json(path); });
  expect_error(ErrorCode::kNotFound, {"none.json"}, [&] { read_json(dir / "none.json"); });
  expect_error(ErrorCode::kIo, {dir.path().string(), "directory"}, [&] { read_json(dir.path()); });
}

TEST(JsonFile, RefusesWhatTheLibraryLetsPass) {
  expect_error(ErrorCode::kCorruptFile, {"w: the key 'a' occurs twice"},
               [] { parse_json(R"({"a":1,"a":2})", "w"); });
  expect_error(ErrorCode::kCorruptFile, {"'x' occurs twice"},
               [] { parse_ordered_json(R"([{"x":1},{"y":{"x":1,"z":[],"x":2}}])", "w"); });
  EXPECT_EQ(parse_json(R"([{"x":1},{"x":2,"y":{"x":3}}])", "w")[1]["y"]["x"], 3);
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_NO_THROW(parse_json(nested(kJsonDepthLimit), "w"));
  expect_error(ErrorCode::kCorruptFile, {"nested deeper than 256"}, [&] { parse_json(nested(300), "w"); });
  expect_error(ErrorCode::kCorruptFile, {"nested deeper"},
               [] { parse_json(std::string(1'000'000, '['), "w"); });
  for (const char* bad : {"", " ", "{", "nul", "{} {}", "NaN", "[1,]", "\"\xff\"", "1e999"}) {
    expect_error(ErrorCode::kCorruptFile, {"w: not valid JSON"}, [&] { parse_json(bad, "w"); });
  }
}

TEST(JsonFile, SizeIsLimited) {
  const TempDir dir;
  put_file(dir / "t.json", "\"" + std::string(98, 'x') + "\"");
  EXPECT_NO_THROW(read_json(dir / "t.json", 100));
  expect_error(ErrorCode::kCorruptFile, {"t.json", "more than 99 bytes"},
               [&] { read_json(dir / "t.json", 99); });
}

TEST(JsonFile, WritesWhatItReads) {
  const TempDir dir;
  nlohmann::json json;
  std::vector<double> values;
  for (int i = 0; i < 20000; ++i) values.push_back(1.0 / (i + 1));
  json["errors"] = values;
  for (const char* name : {"t.json", "t.json.gz"}) {
    write_json(dir / name, json, -1);
    EXPECT_EQ(read_json(dir / name), json);  // doubles come back to the bit
  }
  EXPECT_EQ(io_test::get_file(dir / "t.json.gz").substr(0, 2), "\x1f\x8b");
  EXPECT_LT(std::filesystem::file_size(dir / "t.json.gz"), std::filesystem::file_size(dir / "t.json"));
  const std::string first = io_test::get_file(dir / "t.json.gz");
  write_json(dir / "t.json.gz", json, -1);
  EXPECT_EQ(io_test::get_file(dir / "t.json.gz"), first);
  EXPECT_EQ(io_test::names_below(dir.path()), (std::set<std::string>{"t.json", "t.json.gz"}));

  nlohmann::ordered_json ordered;
  ordered["z"] = 1;
  ordered["a"] = "\xc3\xa9";
  write_json(dir / "o.json", ordered);
  EXPECT_EQ(io_test::get_file(dir / "o.json"), "{\n  \"z\": 1,\n  \"a\": \"\xc3\xa9\"\n}\n");
  EXPECT_EQ(read_ordered_json(dir / "o.json"), ordered);
}

TEST(JsonFile, WritesNothingThatIsNotJson) {
  const TempDir dir;
  const double inf = std::numeric_limits<double>::infinity();
  expect_error(ErrorCode::kInvalidArgument, {"t.json", "not finite"}, [&] {
    write_json(dir / "t.json", nlohmann::json{{"a", {1.0, inf}}});
  });
  expect_error(ErrorCode::kInvalidArgument, {"t.json", "UTF-8"}, [&] {
    write_json(dir / "t.json", nlohmann::json{{"a", "\xff"}});
  });
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace lq
