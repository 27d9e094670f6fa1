#include "formats/gguf/gguf_metadata.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/gguf/gguf_writer.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

class GgufMetadataTest : public testing::Test {
 protected:
  GgufMetadataTest() {
    GgufKeys keys;
    keys.u32("n", 7);
    keys.f32("f", 1e-5F);
    keys.f32("nan", std::nanf(""));
    keys.flag("b", true);
    keys.text("s", "text");
    keys.texts("ss", {"one", "two"});
    keys.i32s("same", {3, 3, 3});
    keys.i32s("differ", {3, 4});
    keys.i32s("long", std::vector<std::int32_t>(100, 1));
    keys.f32s("fs", {0.5F, -1.0F});
    keys.f32s("none", {});
    GgufHeader layout;
    file_ = make_gguf_header(keys, {}, layout);
    header_ = parse_gguf(reinterpret_cast<const std::byte*>(file_.data()), file_.size(), "[gguf] f");
  }

  std::string file_;
  GgufHeader header_;
};

TEST_F(GgufMetadataTest, ValuesComeAsWhatTheyAre) {
  const GgufMetadata m(header_.values, "[gguf] f");
  EXPECT_EQ(m.integer("n", 0, 10), 7);
  EXPECT_EQ(m.integer_or("absent", 5, 0, 10), 5);
  EXPECT_EQ(m.number("f", 0.0, 1.0), 1e-5);  // what was meant, not 9.9999997e-06
  EXPECT_EQ(m.number_or("absent", 2.0, 0.0, 1.0), 2.0);
  EXPECT_TRUE(m.boolean_or("b", false));
  EXPECT_EQ(m.text("s"), "text");
  EXPECT_EQ(m.text_or("absent", "x"), "x");
  EXPECT_EQ(m.texts("ss"), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(m.floats("fs"), (std::vector<float>{0.5F, -1.0F}));
  EXPECT_TRUE(m.floats("none").empty());
  EXPECT_TRUE(m.texts("absent").empty());
  EXPECT_EQ(m.integers("same"), (std::vector<std::int64_t>{3, 3, 3}));
  EXPECT_EQ(m.common_integer("same", 0, 9), 3);
  EXPECT_EQ(m.common_integer("n", 0, 9), 7);
}

TEST_F(GgufMetadataTest, WhatIsNotAskedForRightIsRefusedByName) {
  const GgufMetadata m(header_.values, "[gguf] f");
  expect_error(ErrorCode::kNotFound, {"[gguf] f", "absent"}, [&] { (void)m.text("absent"); });
  expect_error(ErrorCode::kCorruptFile, {"n is 7 (u32)", "from 8 to 9"}, [&] { (void)m.integer("n", 8, 9); });
  expect_error(ErrorCode::kCorruptFile, {"f is 1e-05 (f32)", "an integer"},
               [&] { (void)m.integer("f", 0, 9); });
  expect_error(ErrorCode::kCorruptFile, {"nan", "a number"}, [&] { (void)m.number("nan", 0, 9); });
  expect_error(ErrorCode::kCorruptFile, {"n is 7", "a number"}, [&] { (void)m.number("n", 0, 9); });
  expect_error(ErrorCode::kCorruptFile, {"s is text (string)", "a bool"},
               [&] { (void)m.boolean_or("s", true); });
  expect_error(ErrorCode::kCorruptFile, {"b is true (bool)", "a string"}, [&] { (void)m.text("b"); });
  expect_error(ErrorCode::kCorruptFile, {"same is [3, 3, 3]", "a string"}, [&] { (void)m.text("same"); });
  expect_error(ErrorCode::kCorruptFile, {"ss", "array of integers"}, [&] { (void)m.integers("ss"); });
  expect_error(ErrorCode::kCorruptFile, {"long", "array of strings"}, [&] { (void)m.texts("long"); });
  expect_error(ErrorCode::kCorruptFile, {"same", "array of bytes"}, [&] { (void)m.bytes("same"); });
  expect_error(ErrorCode::kUnsupported, {"differ is 3 in one block and 4"},
               [&] { (void)m.common_integer("differ", 0, 9); });
}

TEST(GgufMetadata, TextsAreUtf8) {
  GgufKeys keys;
  keys.text("s", "a\xff");
  keys.texts("ss", {"a", "\xc3"});
  GgufHeader layout;
  const std::string file = make_gguf_header(keys, {}, layout);
  const GgufHeader header = parse_gguf(reinterpret_cast<const std::byte*>(file.data()), file.size(), "f");
  const GgufMetadata m(header.values, "f");
  expect_error(ErrorCode::kCorruptFile, {"s is not UTF-8"}, [&] { (void)m.text("s"); });
  expect_error(ErrorCode::kCorruptFile, {"ss: text 1 is not UTF-8"}, [&] { (void)m.texts("ss"); });
}

TEST_F(GgufMetadataTest, KnowsWhatNobodyAskedFor) {
  const GgufMetadata m(header_.values, "[gguf] f");
  (void)m.has("s");
  (void)m.texts("ss");
  EXPECT_EQ(m.unread("s"), (std::vector<std::string>{"same"}));
  EXPECT_EQ(m.unread("x"), std::vector<std::string>());
}

TEST_F(GgufMetadataTest, ValuesAreShownShort) {
  EXPECT_EQ(GgufMetadata::shown(header_.values[4], 2), "te...");
  EXPECT_EQ(GgufMetadata::shown(header_.values[5], 40), "[2 of string]");
  EXPECT_EQ(GgufMetadata::shown(header_.values[8], 40), "[100 of i32]");
  EXPECT_EQ(GgufMetadata::shown(header_.values[9], 40), "[0.5, -1]");
}

}  // namespace
}  // namespace lq
