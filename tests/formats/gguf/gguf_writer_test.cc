#include "formats/gguf/gguf_writer.h"

#include <gtest/gtest.h>

#include "formats/gguf/gguf_file.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using ggml::GgmlType;
using io_test::expect_error;

TEST(GgufWriter, WhatIsWrittenIsRead) {
  const io_test::TempDir dir;
  GgufKeys keys;
  keys.text("general.architecture", "llama");
  const std::vector<GgufSpec> specs = {{"a", GgmlType::kI8, {3}}, {"b", GgmlType::kF32, {2, 2}}};
  GgufWriter writer(dir / "m.gguf", keys, specs);
  const float b[4] = {1, 2, 3, 4};
  writer.append("b", b, 8);
  writer.append("a", "xyz", 3);
  expect_error(ErrorCode::kInvalidArgument, {"b: 8 of 16 bytes"}, [&] { writer.finish(); });
  EXPECT_FALSE(std::filesystem::exists(dir / "m.gguf"));
  writer.append("b", b + 2, 8);
  expect_error(ErrorCode::kInvalidArgument, {"b: 17 bytes given"}, [&] { writer.append("b", "x", 1); });
  expect_error(ErrorCode::kInvalidArgument, {"no tensor 'c'"}, [&] { writer.append("c", "x", 1); });
  writer.finish();
  const GgufFile file(dir / "m.gguf");
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.tensors()[0].data), 3), "xyz");
  EXPECT_EQ(std::memcmp(file.tensors()[1].data, b, 16), 0);
  EXPECT_EQ(file.file_bytes() % 32, 0U);
}

TEST(GgufWriter, WhatCannotBeIsRefused) {
  GgufHeader layout;
  const auto make = [&](const std::vector<GgufSpec>& specs) { (void)make_gguf_header({}, specs, layout); };
  expect_error(ErrorCode::kInvalidArgument, {"'a' twice"}, [&] {
    make({{"a", GgmlType::kI8, {1}}, {"a", GgmlType::kI8, {1}}});
  });
  expect_error(ErrorCode::kInvalidArgument, {"a: shape [2, 31] cannot be Q4_0"}, [&] {
    make({{"a", GgmlType::kQ4_0, {2, 31}}});
  });
  expect_error(ErrorCode::kInvalidArgument, {"a: shape"}, [&] {
    make({{"a", GgmlType::kI8, {1, 1, 1, 1, 1}}});
  });
}

}  // namespace
}  // namespace lq
