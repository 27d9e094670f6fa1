#include "data/csv_reader.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rng.h"

namespace lq {
namespace {

using Row = std::vector<std::string>;

std::vector<Row> rows(const std::string& text, CsvOptions options = {}) {
  CsvReader reader(LineReader(text, "t.csv"), options);
  std::vector<Row> out{reader.columns()};
  for (Row row; reader.next(row);) out.push_back(row);
  return out;
}

std::string error_of(const std::string& text) {
  try {
    rows(text);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(CsvReader, ReadsQuotedFields) {
  EXPECT_EQ(rows("a,b\n1,2\n"), (std::vector<Row>{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(rows("a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\r\n\r\n,\r\n"),
            (std::vector<Row>{{"a", "b"}, {"x, y", "say \"hi\""}, {"", ""}}));
  EXPECT_EQ(rows("a,b\n\"two\n\nlines\",3"), (std::vector<Row>{{"a", "b"}, {"two\n\nlines", "3"}}));
  EXPECT_EQ(rows("a\n\"\"\nx\"y\n"), (std::vector<Row>{{"a"}, {""}, {"x\"y"}}));
  EXPECT_EQ(rows("a\tb\n\"1\t2\n", {.separator = '\t', .quotes = Quotes::kWhereClosed}),
            (std::vector<Row>{{"a", "b"}, {"\"1", "2"}}));
  EXPECT_EQ(rows("a\n\"x\r\ny\nz\"\r\n"), (std::vector<Row>{{"a"}, {"x\r\ny\nz"}})) << "line ends stay";
}

// Some programs quote a cell of a TSV file, others write it as it is: what is no whole quoted cell is the
// latter.
TEST(CsvReader, TakesQuotesOfTsvWhereTheyClose) {
  const auto cells = [](const std::string& line) {
    return rows("a\tb\n" + line + "\n", {.separator = '\t', .quotes = Quotes::kWhereClosed}).back();
  };
  EXPECT_EQ(cells("\"He said \"\"hi\"\" to me\"\t1"), (Row{"He said \"hi\" to me", "1"}));
  EXPECT_EQ(cells("1\t\"a\tb\""), (Row{"1", "a\tb"}));
  EXPECT_EQ(cells("\"Hi\" he said\t1"), (Row{"\"Hi\" he said", "1"}));
  EXPECT_EQ(cells("\"never closed\t1"), (Row{"\"never closed", "1"}));
  EXPECT_EQ(cells("1\t\""), (Row{"1", "\""}));
}

// What is written with quotes around every field is read back, whatever the fields hold.
TEST(CsvReader, RoundTripsRandomFields) {
  const Rng rng(5);
  const std::string alphabet = "ab,\"\n\t 'x";
  std::uint64_t n = 0;
  for (int round = 0; round < 500; ++round) {
    std::vector<Row> expected{{"p", "q", "r"}};
    std::string text = "p,q,r\n";
    for (int r = 0; r < 4; ++r) {
      Row row;
      for (int c = 0; c < 3; ++c) {
        std::string field, quoted = "\"";
        for (std::uint64_t i = rng.below(n++, 8); i > 0; --i)
          field.push_back(alphabet[rng.below(n++, alphabet.size())]);
        for (const char ch : field) quoted += ch == '"' ? std::string("\"\"") : std::string(1, ch);
        text += quoted + (c < 2 ? "\"," : "\"\n");
        row.push_back(field);
      }
      expected.push_back(row);
    }
    ASSERT_EQ(rows(text), expected) << text;
  }
}

TEST(CsvReader, ErrorsNameTheLine) {
  EXPECT_NE(error_of("").find("t.csv: empty, but the first row should name the columns"), std::string::npos);
  EXPECT_NE(error_of("a,a\n").find("two columns are named 'a'"), std::string::npos);
  EXPECT_NE(error_of("a,b\n1,2\n\n3\n").find("t.csv:4: 1 fields, but 2 columns"), std::string::npos);
  EXPECT_NE(error_of("a,b\n\"x\"y,2\n").find("t.csv:2: text behind the closing quote of field 1"),
            std::string::npos);
  EXPECT_NE(error_of("a\n\"x\n\n").find("t.csv:2: a quote is never closed"), std::string::npos);
}

TEST(CsvReader, TakesNamesWhereTheFileHasNone) {
  CsvReader reader(LineReader("1,2\n1,2,3\n", "t.csv"), CsvOptions{.columns = {"a", "b"}});
  std::vector<std::string> fields;
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(fields, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(reader.column("b"), 1U);
  EXPECT_THROW(reader.next(fields), Error);
}

}  // namespace
}  // namespace lq
