#include "formats/gguf/gguf_file.h"

#include <gtest/gtest.h>

#include "formats/gguf/gguf_test_file.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::TempDir;

void write_part(const std::filesystem::path& path, std::uint32_t number, std::uint32_t count,
                std::uint32_t tensors, const std::string& tensor) {
  GgufKeys keys;
  keys.u32("split.no", number);
  keys.u32("split.count", count);
  keys.u32("split.tensors.count", tensors);
  if (number == 0) keys.text("general.architecture", "llama");
  gguf_test::write_zeros(path, keys, {{tensor, ggml::GgmlType::kF32, {2}}});
}

TEST(GgufFile, PartsAreReadAsOne) {
  const TempDir dir;
  write_part(dir / "m-00001-of-00002.gguf", 0, 2, 2, "a");
  write_part(dir / "m-00002-of-00002.gguf", 1, 2, 2, "b");
  const GgufFile file(dir / "m-00001-of-00002.gguf");
  EXPECT_EQ(file.files(), 2U);
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.tensors()[1].entry->name, "b");
  EXPECT_EQ(file.values().back().key, "general.architecture");
  EXPECT_GT(file.file_bytes(), std::filesystem::file_size(dir / "m-00001-of-00002.gguf"));
}

TEST(GgufFile, PartsThatDoNotBelongTogetherAreRefused) {
  const TempDir dir;
  const auto first = dir / "m-00001-of-00002.gguf";
  const auto second = dir / "m-00002-of-00002.gguf";
  write_part(first, 0, 2, 2, "a");
  expect_error(ErrorCode::kNotFound, {first.string(), "m-00002-of-00002.gguf is missing"},
               [&] { GgufFile f(first); });
  write_part(second, 1, 2, 2, "a");
  expect_error(ErrorCode::kCorruptFile, {"the tensor a is in two parts"}, [&] { GgufFile f(first); });
  write_part(second, 0, 2, 2, "b");
  expect_error(ErrorCode::kCorruptFile, {second.string(), "part 1 of 2"}, [&] { GgufFile f(first); });
  write_part(second, 1, 2, 2, "b");
  expect_error(ErrorCode::kInvalidArgument, {"part 2 of 2; name the first part", "-00001-of-00002.gguf"},
               [&] { GgufFile f(second); });
  write_part(first, 0, 2, 3, "a");
  expect_error(ErrorCode::kCorruptFile, {"split.tensors.count is 3", "have 2"}, [&] { GgufFile f(first); });
  std::filesystem::rename(first, dir / "m.gguf");
  expect_error(ErrorCode::kInvalidArgument, {"must end in -00001-of-00002.gguf"},
               [&] { GgufFile f(dir / "m.gguf"); });
}

}  // namespace
}  // namespace lq
