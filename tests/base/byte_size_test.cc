#include "base/byte_size.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(ParseByteSize, ReadsUnitsOfBothKinds) {
  EXPECT_EQ(parse_byte_size("4096", "memory"), 4096);
  EXPECT_EQ(parse_byte_size("6GiB", "memory"), std::int64_t{6} << 30);
  EXPECT_EQ(parse_byte_size("500 MB", "memory"), 500'000'000);
  EXPECT_EQ(parse_byte_size("1.5g", "memory"), std::int64_t{3} << 29);
  EXPECT_EQ(parse_byte_size("2kib", "memory"), 2048);
  EXPECT_EQ(parse_byte_size("7B", "memory"), 7);
  EXPECT_EQ(parse_byte_size("1TB", "memory"), 1'000'000'000'000);
}

TEST(ParseByteSize, RefusesWhatIsNoSizeAndNamesTheFlag) {
  for (const char* text :
       {"", "GiB", "6 lightyears", "-1GB", "0", "nan", "inf", "1e30", "6GiBs", "6 G B x"}) {
    try {
      parse_byte_size(text, "memory");
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument) << text;
      EXPECT_NE(std::string(e.what()).find("memory"), std::string::npos) << e.what();
    }
  }
}

TEST(ByteSize, TextsReadBack) {
  EXPECT_EQ(byte_size_text(5'000'000'000), "5GB");
  EXPECT_EQ(byte_size_text(std::int64_t{6} << 30), "6GiB");
  EXPECT_EQ(byte_size_text(4096), "4KiB");
  EXPECT_EQ(byte_size_text(4097), "4097");
  for (const std::int64_t bytes : {1, 1000, 1024, 1500, 3 << 20, 7'000'000})
    EXPECT_EQ(parse_byte_size(byte_size_text(bytes), "size"), bytes);
}

}  // namespace
}  // namespace lq
