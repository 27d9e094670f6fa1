#include "train/event_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace lq {
namespace {

TEST(EventFile, Crc32cOfTheStandardsExamples) {
  EXPECT_EQ(crc32c("123456789", 9), 0xE3069283U);
  // RFC 3720, B.4: 32 bytes of zeros, of ones.
  EXPECT_EQ(crc32c(std::string(32, '\0').data(), 32), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF').data(), 32), 0x62A8AB43U);
  EXPECT_EQ(crc32c("", 0), 0U);
}

// TensorBoard 2.21's Event(wall_time=1.5, step=300, summary=[tag "a/b", 0.25]).SerializeToString().
TEST(EventFile, RecordsEqualTensorBoards) {
  const std::string event = scalar_event(1.5, 300, "a/b", 0.25F);
  const std::string expected =
      std::string("\x09\x00\x00\x00\x00\x00\x00\xF8\x3F\x10\xAC\x02", 12) + std::string(
                                                                                "\x2A\x0C\x0A\x0A\x0A\x03"
                                                                                "a/b\x15\x00\x00\x80\x3E",
                                                                                14);
  EXPECT_EQ(event, expected);
  const std::string record = tf_record(event);
  EXPECT_EQ(record.size(), event.size() + 16);
  EXPECT_EQ(record.substr(0, 8), std::string("\x1A\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, event.size()), event);
}

TEST(EventFile, BeginsWithItsVersionAndGrowsAtOnce) {
  const auto path = std::filesystem::path(testing::TempDir()) / "lq_events";
  EventFile file(path, 1.0);
  const auto bytes = [&] {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string first = tf_record(version_event(1.0));
  EXPECT_EQ(bytes(), first);
  file.scalar(2.0, 7, "train/loss", 3.0);
  EXPECT_EQ(bytes(), first + tf_record(scalar_event(2.0, 7, "train/loss", 3.0F)));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace lq
