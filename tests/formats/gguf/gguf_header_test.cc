#include "formats/gguf/gguf_header.h"

#include <gtest/gtest.h>

#include <cstring>

#include "formats/gguf/gguf_test_file.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

GgufHeader parse(const std::string& file) {
  return parse_gguf(reinterpret_cast<const std::byte*>(file.data()), file.size(), "[gguf] f");
}

std::string file_of(const GgufKeys& keys, const std::vector<GgufSpec>& specs) {
  GgufHeader layout;
  std::string file = make_gguf_header(keys, specs, layout);
  for (const GgufTensor& t : layout.tensors) file.resize(layout.data_begin + t.offset + t.bytes, 'x');
  return file;
}

std::string usual_file() {
  GgufKeys keys;
  keys.u32("n", 7);
  keys.flag("b", true);
  keys.texts("t", {"one", "", "three"});
  return file_of(keys, {{"a", ggml::GgmlType::kQ4_0, {3, 64}}, {"w", ggml::GgmlType::kF32, {5}}});
}

template <typename T>
std::string with(std::string file, std::size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof(T));
  return file;
}

// The place of `text` in a file, which has it once.
std::size_t place(const std::string& file, const std::string& text) {
  const std::size_t at = file.find(text);
  EXPECT_NE(at, std::string::npos);
  EXPECT_EQ(file.find(text, at + 1), std::string::npos);
  return at;
}

TEST(GgufHeader, SaysWhereEverythingIs) {
  const std::string file = usual_file();
  const GgufHeader header = parse(file);
  EXPECT_EQ(header.version, 3U);
  EXPECT_EQ(header.alignment, 32U);
  ASSERT_EQ(header.values.size(), 3U);
  EXPECT_EQ(header.values[2].key, "t");
  EXPECT_EQ(header.values[2].type, GgufType::kArray);
  EXPECT_EQ(header.values[2].of, GgufType::kString);
  EXPECT_EQ(header.values[2].count, 3U);
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].shape, (Shape{3, 64}));
  EXPECT_EQ(header.tensors[0].bytes, 3U * 2 * 18);
  EXPECT_EQ(header.tensors[1].offset, 128U);
  EXPECT_EQ(header.data_begin + header.tensors[1].offset + header.tensors[1].bytes, file.size());
  EXPECT_EQ(parse(with<std::uint32_t>(file, 4, 2)).version, 2U);
}

TEST(GgufHeader, OtherFilesAreRefusedByWhatTheyAre) {
  const std::string file = usual_file();
  expect_error(ErrorCode::kCorruptFile, {"[gguf] f", "does not begin with GGUF"}, [] { parse("GGUX0000"); });
  expect_error(ErrorCode::kUnsupported, {"[gguf] f", "version 1"},
               [&] { parse(with<std::uint32_t>(file, 4, 1)); });
  expect_error(ErrorCode::kUnsupported, {"[gguf] f", "big endian"},
               [&] { parse(with<std::uint32_t>(file, 4, 3U << 24)); });
  expect_error(ErrorCode::kUnsupported, {"version 0"}, [&] { parse(with<std::uint32_t>(file, 4, 0)); });
}

TEST(GgufHeader, EveryCutIsRefused) {
  const std::string file = usual_file();
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW(parse(file.substr(0, size)), Error) << size << " of " << file.size() << " bytes";
  }
}

TEST(GgufHeader, CountsAndLengthsAreCheckedBeforeUse) {
  const std::string file = usual_file();
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  expect_error(ErrorCode::kCorruptFile, {"tensors, but only"}, [&] { parse(with(file, 8, kHuge)); });
  expect_error(ErrorCode::kCorruptFile, {"keys, but only"}, [&] { parse(with(file, 16, kHuge)); });
  expect_error(ErrorCode::kCorruptFile, {"the length of a key"}, [&] { parse(with(file, 24, kHuge)); });
  expect_error(ErrorCode::kCorruptFile, {"a key of 0 bytes"},
               [&] { parse(with(file, 24, std::uint64_t{0})); });
  const std::size_t one = place(file, "one");
  expect_error(ErrorCode::kCorruptFile, {"t needs"}, [&] { parse(with(file, one - 8, kHuge - 7)); });
  expect_error(ErrorCode::kCorruptFile, {"t has", "elements"}, [&] { parse(with(file, one - 16, kHuge)); });
}

TEST(GgufHeader, TypesAreChecked) {
  const std::string file = usual_file();
  expect_error(ErrorCode::kCorruptFile, {"n has the metadata type 13"},
               [&] { parse(with<std::uint32_t>(file, 33, 13)); });
  const std::size_t one = place(file, "one");
  expect_error(ErrorCode::kUnsupported, {"t is an array of arrays"},
               [&] { parse(with<std::uint32_t>(file, one - 20, 9)); });
  const std::string b = std::string(1, '\1') + std::string(7, '\0') + "b";
  expect_error(ErrorCode::kCorruptFile, {"b is a bool of 2"},
               [&] { parse(with<char>(file, place(file, b) + 9 + 4, 2)); });
}

// Places in the table's entry of a tensor with a name of one letter and one dimension.
struct Entry {
  std::size_t rank, extent, type, offset;
};

Entry entry_of_w(const std::string& file) {
  const std::size_t name = place(file, std::string(1, '\1') + std::string(7, '\0') + "w") + 8;
  return {name + 1, name + 5, name + 13, name + 17};
}

TEST(GgufHeader, TensorsMustFitTheirTypesAndTheFile) {
  const std::string file = usual_file();
  const Entry w = entry_of_w(file);
  expect_error(ErrorCode::kCorruptFile, {"w has 5 dimensions"},
               [&] { parse(with<std::uint32_t>(file, w.rank, 5)); });
  expect_error(ErrorCode::kCorruptFile, {"w has 0 dimensions"},
               [&] { parse(with<std::uint32_t>(file, w.rank, 0)); });
  expect_error(ErrorCode::kCorruptFile, {"w has the extent 0"},
               [&] { parse(with<std::uint64_t>(file, w.extent, 0)); });
  expect_error(ErrorCode::kCorruptFile, {"w has the extent"},
               [&] { parse(with<std::uint64_t>(file, w.extent, std::uint64_t{1} << 60)); });
  expect_error(ErrorCode::kCorruptFile, {"w has 24 bytes at 128"},
               [&] { parse(with<std::uint64_t>(file, w.extent, 6)); });
  expect_error(ErrorCode::kUnsupported, {"w is of type 31", "Q4_0_4_4"},
               [&] { parse(with<std::uint32_t>(file, w.type, 31)); });
  expect_error(ErrorCode::kCorruptFile, {"w has rows of 5", "Q8_0"},
               [&] { parse(with<std::uint32_t>(file, w.type, 8)); });
  expect_error(ErrorCode::kCorruptFile, {"w lies at 129, which is no multiple of 32"},
               [&] { parse(with<std::uint64_t>(file, w.offset, 129)); });
  expect_error(ErrorCode::kCorruptFile, {"w has 20 bytes at 18446744073709551584"},
               [&] { parse(with(file, w.offset, ~std::uint64_t{31})); });
  expect_error(ErrorCode::kCorruptFile, {"a and w overlap"},
               [&] { parse(with<std::uint64_t>(file, w.offset, 32)); });
}

TEST(GgufHeader, NothingIsThereTwice) {
  GgufKeys keys;
  keys.u32("n", 1);
  keys.u32("n", 2);
  expect_error(ErrorCode::kCorruptFile, {"the key n is there twice"}, [&] { parse(file_of(keys, {})); });
  std::string file = file_of({}, {{"a", ggml::GgmlType::kI8, {1}}, {"w", ggml::GgmlType::kI8, {1}}});
  file[entry_of_w(file).rank - 1] = 'a';
  expect_error(ErrorCode::kCorruptFile, {"the tensor a is there twice"}, [&] { parse(file); });
}

TEST(GgufHeader, TheAlignmentIsTheFilesOwn) {
  const auto file = [](std::uint32_t alignment) {
    GgufKeys keys;
    keys.u32("general.alignment", alignment);
    // The writer aligns to 32: what fills up is longer here.
    return file_of(keys, {{"w", ggml::GgmlType::kF32, {5}}}) + std::string(64, 'x');
  };
  EXPECT_EQ(parse(file(64)).alignment, 64U);
  EXPECT_EQ(parse(file(64)).data_begin % 64, 0U);
  for (const std::uint32_t bad : {0U, 48U, 1U << 30}) {
    expect_error(ErrorCode::kCorruptFile, {"general.alignment is " + std::to_string(bad)},
                 [&] { parse(file(bad)); });
  }
  GgufKeys keys;
  keys.text("general.alignment", "32");
  expect_error(ErrorCode::kCorruptFile, {"general.alignment is a string"}, [&] { parse(file_of(keys, {})); });
}

TEST(GgufHeader, FilesAreToldByTheirFirstBytes) {
  const io_test::TempDir dir;
  io_test::put_file(dir / "a", usual_file());
  io_test::put_file(dir / "b", "GGU");
  EXPECT_TRUE(is_gguf(dir / "a"));
  EXPECT_FALSE(is_gguf(dir / "b"));
  EXPECT_FALSE(is_gguf(dir / "none"));
  EXPECT_FALSE(is_gguf(dir.path()));
}

}  // namespace
}  // namespace lq
