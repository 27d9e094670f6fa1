#include "data/json_values.h"

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Json = nlohmann::ordered_json;

struct Read {
  std::vector<std::string> values, places, errors;
};

// Goes on behind errors as far as it can.
Read read(std::string_view bytes, DataReport* report = nullptr) {
  JsonValues values(LineReader(bytes, "f"), report);
  Read out;
  for (;;) {
    try {
      Json value;
      if (!values.next(value)) return out;
      out.values.push_back(value.dump());
      out.places.push_back(values.place());
    } catch (const Error& e) {
      out.errors.emplace_back(e.what());
      if (!values.goes_on()) return out;
    }
  }
}
using Texts = std::vector<std::string>;

// A double would be another number.
TEST(JsonValues, WholeNumbersStayWhole) {
  const Read found =
      read("{\"messages\": [{\"n\": 12345678901234567890123}]}\n{\"id\": 12345678901234567890123}\n");
  EXPECT_EQ(found.errors, Texts{"f:1: a whole number of more than 64 bits; write it as a string"});
  EXPECT_EQ(found.values.size(), 1u);
}

TEST(JsonValues, EveryShapeGivesTheSameRecords) {
  const Texts two = {R"({"b":1,"a":"x{[\"y"})", R"({"b":2,"a":[{}]})"};
  const std::string a = two[0], b = two[1];
  const std::string over = "{\n  \"b\": 1,\n  \"a\":\n\"x{[\\\"y\"\n}";
  const std::vector<std::string> files = {
      a + "\n" + b + "\n",                         // JSON lines
      a + "\r\n\r\n  " + b,                        // Windows' line ends, blank lines, no last line end
      a + b,                                       // one behind the other
      a + " " + b + "\n\n",                        //
      over + "\n" + b,                             // pretty-printed
      over + b + "\n",                             //
      "[" + a + "," + b + "]",                     // a list
      "  [\n" + over + "\n,\n\n" + b + "\n]\n\n",  //
      "[\n" + a + ",\n" + b + "]",                 //
      "{\"data\": [" + a + ", " + b + "]}",        // wrapped
      "{\n\"version\": 1,\n\"train\": [\n" + over + ",\n" + b + "]\n}\n",
      "\xEF\xBB\xBF" + a + "\n" + b,
  };
  for (const std::string& file : files) {
    const Read r = read(file);
    EXPECT_EQ(r.values, two) << file;
    EXPECT_EQ(r.errors, Texts{}) << file;
  }
}

TEST(JsonValues, PlacesAreLinesOrNumbers) {
  EXPECT_EQ(read("\n{\"a\":1}\n\n{\"a\":2}").places, (Texts{"f:2", "f:4"}));
  EXPECT_EQ(read("{\n\"a\":1}\n{\n\"a\":2}").places, (Texts{"f:1", "f:3"}));
  EXPECT_EQ(read("[{\"a\":1},{\"a\":2}]").places, (Texts{"f: record 1", "f: record 2"}));
  EXPECT_EQ(read("{\"rows\":[{\"a\":1},{\"a\":2}]}").places, (Texts{"f: record 1", "f: record 2"}));
}

TEST(JsonValues, AListIsUnwrappedOnlyWhereTheFileHoldsNothingElse) {
  DataReport report;
  read(R"({"version": 1, "data": [{"a":1}], "note": "x"})", &report);
  EXPECT_EQ(report.total(Finding::kWrapperKey), 2);
  const Texts kept = {R"({"data":[{"role":"user"}]})"};
  EXPECT_EQ(read(kept[0] + "\n" + kept[0]).values, (Texts{kept[0], kept[0]}));
  EXPECT_EQ(read(R"({"messages":[{"role":"user"}]})").values, Texts{R"({"messages":[{"role":"user"}]})"});
  EXPECT_EQ(read(R"({"data":"text"})").values, Texts{R"({"data":"text"})"});
  EXPECT_EQ(read(R"({"data":[1]})").values, Texts{R"({"data":[1]})"});
  const Read both = read(R"({"train":[{"a":1}],"data":[{"a":2}]})");
  ASSERT_EQ(both.errors.size(), 1u);
  EXPECT_NE(both.errors[0].find("two lists of records, 'data' and 'train'"), std::string::npos);
}

TEST(JsonValues, DamageIsNamedAndPassedWhereLinesAreRecords) {
  struct Case {
    std::string file;
    std::size_t values;
    Texts errors;  // parts
  };
  const std::vector<Case> cases = {
      {"{\"a\":1}\nnonsense\n{\"a\":2}\n", 2, {"f:2: not valid JSON"}},
      {"{\"a\":\n{\"a\":2}\n{\"a\":3}\n", 2, {"f:1: not valid JSON"}},  // the first line is cut off
      {"{\"a\":1}\n{\"a\":\n{\"a\":3}", 2, {"f:2: not valid JSON"}},
      {"nonsense\n{\"a\":1}", 1, {"f:1: not valid JSON"}},
      {"{\"a\":1,\"a\":2}\n{\"a\":1}", 1, {"f:1: the key 'a' occurs twice"}},
      {"{\"a\":\"\xE9\"}\n{\"a\":1}", 1, {"f:1: not UTF-8"}},
      {"{\n\"a\":1\n", 0, {"f:1: not valid JSON: the value that begins here does not end"}},
      {"{\n\"a\" 1\n}\n{\"b\":1}", 1, {"f:1: not valid JSON"}},
      {"{\n\"a\":1\n}\nrubbish", 1, {"f:4: not valid JSON: expected an object here"}},
      {"[{\"a\":1},{\"a\" 2},{\"a\":3}]", 2, {"f: record 2: not valid JSON"}},
      {"[{\"a\":1} {\"a\":2}]", 1, {"f:1: not valid JSON: expected ',' or ']' behind record 1"}},
      {"[{\"a\":1},\n]", 1, {"f:2: not valid JSON: a comma before the end"}},
      {"[{\"a\":1}\n] x", 1, {"f:2: not valid JSON: text behind the end of the list"}},
      {"[{\"a\":1},", 1, {"f: not valid JSON: the list does not end"}},
      {"[,{\"a\":1}]", 1, {"record 1: not valid JSON"}},
      {"[}", 0, {"record 1: not valid JSON", "expected ',' or ']'"}},
      {"[1, \"a,]\", {\"a\":1}]", 3, {}},
      {"[]", 0, {}},
      {" \n \n", 0, {}},
  };
  for (const Case& c : cases) {
    const Read r = read(c.file);
    EXPECT_EQ(r.values.size(), c.values) << c.file;
    ASSERT_EQ(r.errors.size(), c.errors.size()) << c.file << (r.errors.empty() ? "" : r.errors[0]);
    for (std::size_t i = 0; i < r.errors.size(); ++i) {
      EXPECT_NE(r.errors[i].find(c.errors[i]), std::string::npos) << c.file << "\n" << r.errors[i];
    }
  }
}

TEST(JsonValues, JsonIsToldFromText) {
  for (const char* json : {"{\"a\": 1}", " \n{\n  \"a\" : 1", "[{\"a\"", "[\n {", "[]", "{}"}) {
    EXPECT_TRUE(looks_like_json(json)) << json;
  }
  for (const char* text : {"", "text", "{text}", "[1] First note", "{\"quoted\" words}", "[note]", "{ a"}) {
    EXPECT_FALSE(looks_like_json(text)) << text;
  }
}

}  // namespace
}  // namespace lq
