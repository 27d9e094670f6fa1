#include "data/line_reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

std::vector<std::string> lines_of(LineReader reader) {
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

std::string gzipped(const std::string& bytes) {
  const TempDir dir;
  const gzFile file = gzopen((dir / "a").c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return io_test::get_file(dir / "a");
}

using Lines = std::vector<std::string>;

TEST(LineReader, LineEndsAndTheByteOrderMarkGo) {
  EXPECT_EQ(lines_of({"a\r\n\nb", "t"}), (Lines{"a", "", "b"}));
  EXPECT_EQ(lines_of({"\xEF\xBB\xBF"
                      "a\n",
                      "t"}),
            Lines{"a"});
  // Only before the first line; and a \r inside of a line is one of its bytes.
  EXPECT_EQ(lines_of({"a\rb\n\xEF\xBB\xBF", "t"}), (Lines{"a\rb", "\xEF\xBB\xBF"}));
  EXPECT_EQ(lines_of({"", "t"}), Lines{});
  EXPECT_EQ(lines_of({"\n", "t"}), Lines{""});
}

TEST(LineReader, GzipIsToldByItsContent) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 60000; ++i) text += std::to_string(i) + "\n";  // more than one buffer
  put_file(dir / "plain.gz", text);
  put_file(dir / "packed.txt", gzipped(text));
  const Lines plain = lines_of(LineReader(dir / "plain.gz"));
  EXPECT_EQ(plain.size(), 60000u);
  EXPECT_EQ(plain.back(), "59999");
  EXPECT_EQ(lines_of(LineReader(dir / "packed.txt")), plain);
}

TEST(LineReader, PlacesCountFromOne) {
  LineReader reader("a\nb\nc\nd\n", "t.jsonl");
  std::string line;
  reader.next(line);
  reader.next(line);
  EXPECT_EQ(reader.line_number(), 2);
  EXPECT_EQ(reader.place(), "t.jsonl:2");
  EXPECT_EQ(reader.rest(), "c\nd\n");
  EXPECT_FALSE(reader.next(line));
}

TEST(LineReader, DamageIsNamed) {
  const TempDir dir;
  std::string bytes = gzipped(std::string(5000, 'x') + "\n");
  put_file(dir / "cut.gz", bytes.substr(0, bytes.size() - 9));
  expect_error(ErrorCode::kCorruptFile, {"cut.gz", "gzip"}, [&] { lines_of(LineReader(dir / "cut.gz")); });
  expect_error(ErrorCode::kNotFound, {"none.txt"}, [&] { LineReader(dir / "none.txt"); });
  expect_error(ErrorCode::kInvalidArgument, {"a folder"}, [&] { LineReader(dir.path()); });
}

}  // namespace
}  // namespace lq
