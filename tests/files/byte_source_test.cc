#include "files/byte_source.h"

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

std::string whole_of(ByteSource& source) {
  std::string out;
  for (std::string_view more = source.next(); !more.empty(); more = source.next()) out += more;
  EXPECT_EQ(source.next(), "") << "the end stays the end";
  return out;
}

TEST(ByteSource, FilesComeAsTheyAre) {
  const TempDir dir;
  for (const std::size_t size : {0UL, 1UL, 131071UL, 131072UL, 131073UL, 400000UL}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 % 251);
    put_file(dir / "f", bytes);
    EXPECT_EQ(whole_of(*open_raw_bytes(dir / "f")), bytes);
  }
  expect_error(ErrorCode::kNotFound, {"none: no such file"}, [&] { open_raw_bytes(dir / "none"); });
  expect_error(ErrorCode::kInvalidArgument, {"a folder"}, [&] { open_raw_bytes(dir.path()); });
}

TEST(ByteSource, HeadsAreTakenAndPutBack) {
  for (const std::size_t piece : {1UL, 3UL, 100UL}) {
    auto source = bytes_in_memory("abcdefgh", piece);
    std::string head = take_head(*source, 4);
    EXPECT_GE(head.size(), 4U);
    EXPECT_EQ(head, std::string_view("abcdefgh").substr(0, head.size()));
    EXPECT_EQ(whole_of(*bytes_after(std::move(head), std::move(source))), "abcdefgh");
  }
  auto tiny = bytes_in_memory("ab");
  EXPECT_EQ(take_head(*tiny, 10), "ab");
  EXPECT_EQ(whole_of(*bytes_after("", bytes_in_memory("x"))), "x");
}

}  // namespace
}  // namespace lq
