#include "tokenizers/base64.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

// The plain way: three bytes to four characters.
std::string encode_base64(const std::string& bytes) {
  const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned three = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (int k = 3; k >= 0; --k) out.push_back(digits[three >> (6 * k) & 63U]);
    for (std::size_t k = bytes.size() - i; k < 3; ++k) out[out.size() - 3 + k] = '=';
  }
  return out;
}

TEST(Base64, EveryLengthAndByteComesBack) {
  std::mt19937 random(1);
  for (std::size_t length = 0; length < 70; ++length) {
    std::string bytes(length, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(decode_base64(encode_base64(bytes), "f"), bytes);
  }
  EXPECT_EQ(decode_base64("TWFu", "f"), "Man");
  EXPECT_EQ(decode_base64("TWE=", "f"), "Ma");
}

TEST(Base64, SaysWhatIsWrong) {
  const auto error = [](const std::string& text) -> std::string {
    try {
      decode_base64(text, "file");
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(error("TWF"), "file: base64 should come in groups of 4 characters, here are 3");
  EXPECT_EQ(error("T==="), "file: base64 with too much padding");
  EXPECT_EQ(error("TW*u"), "file: character 0x2a is not base64");
  EXPECT_EQ(error("T=Fu"), "file: character 0x3d is not base64");
}

}  // namespace
}  // namespace lq::tokenizers
