#include "formats/safetensors_reader.h"

#include <gtest/gtest.h>

#include <cstring>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::safetensors_bytes;
using io_test::TempDir;

const char* const kTwo =
    R"({"b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";

TEST(SafetensorsReader, MapsEveryTensor) {
  const TempDir dir;
  const auto path = dir / "m.safetensors";
  put_file(path, safetensors_bytes(kTwo, 7));
  SafetensorsReader first(path);
  const SafetensorsReader reader = std::move(first);  // views live on in the moved reader
  ASSERT_EQ(reader.tensors().size(), 2U);
  EXPECT_EQ(reader.tensors()[0].name(), "a");
  EXPECT_EQ(reader.tensors()[1].name(), "b");
  EXPECT_EQ(reader.at("b").bytes, 3U);
  EXPECT_EQ(reader.at("b").numel(), 3);
  EXPECT_EQ(std::to_integer<int>(reader.at("b").data[2]), 6);
  EXPECT_EQ(reader.find("c"), nullptr);
  EXPECT_EQ(reader.file_bytes(), 8 + std::strlen(kTwo) + 7);
  expect_error(ErrorCode::kNotFound, {"m.safetensors", "'c'"}, [&] { reader.at("c"); });
}

TEST(SafetensorsReader, EveryTruncationIsRefused) {
  const TempDir dir;
  const auto path = dir / "m.safetensors";
  const std::string whole = safetensors_bytes(kTwo, 7);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put_file(path, std::string_view(whole).substr(0, size));
    expect_error(ErrorCode::kCorruptFile, {path.string()}, [&] { SafetensorsReader reader(path); });
  }
}

TEST(SafetensorsReader, SaysWhenThereIsNoSuchFile) {
  const TempDir dir;
  expect_error(ErrorCode::kNotFound, {"none.safetensors"},
               [&] { SafetensorsReader r(dir / "none.safetensors"); });
  expect_error(ErrorCode::kIo, {dir.path().string(), "regular"}, [&] { SafetensorsReader r(dir.path()); });
  expect_error(ErrorCode::kIo, {"/dev/null", "regular"}, [&] { SafetensorsReader r("/dev/null"); });
}

TEST(SafetensorsReader, ReadsRealCheckpoints) {
  const auto path = io_test::shared_data("models/stories260K/hf/model.safetensors");
  if (path.empty()) GTEST_SKIP() << "shared/data/models/stories260K is not beside this checkout";
  const SafetensorsReader reader(path);
  const TensorView& embedding = reader.at("model.embed_tokens.weight");
  EXPECT_EQ(embedding.shape(), (Shape{512, 64}));
  std::int64_t weights = 0;
  for (const TensorView& view : reader.tensors()) weights += view.numel();
  EXPECT_EQ(weights, 260032);  // as its maker counts them
}

}  // namespace
}  // namespace lq
