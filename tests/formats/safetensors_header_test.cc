#include "formats/safetensors_header.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

// Parses a header text followed by `data` bytes.
SafetensorsHeader parse(const std::string& json, std::uint64_t data) {
  return parse_safetensors_header(json, 8 + json.size() + data, "[safetensors] f");
}

TEST(SafetensorsHeader, ReadsTensorsInTheOrderOfTheirBytes) {
  const auto header = parse(
      R"({"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},"__metadata__":{"format":"pt","x":""},)"
      R"("a":{"shape":[2],"data_offsets":[0,4],"dtype":"BF16"},"e":{"dtype":"I64","shape":[0,5],)"
      R"("data_offsets":[4,4]},"s":{"dtype":"U8","shape":[],"data_offsets":[28,29]}}   )",
      29);
  ASSERT_EQ(header.entries.size(), 4U);
  EXPECT_EQ(header.entries[0].spec, (TensorSpec{"a", DType::kBf16, {2}}));
  EXPECT_EQ(header.entries[1].spec, (TensorSpec{"e", DType::kI64, {0, 5}}));
  EXPECT_EQ(header.entries[2].spec, (TensorSpec{"b", DType::kF32, {2, 3}}));
  EXPECT_EQ(header.entries[3].spec, (TensorSpec{"s", DType::kU8, {}}));
  EXPECT_EQ(header.entries[2].begin, 4U);
  EXPECT_EQ(header.entries[2].end, 28U);
  EXPECT_EQ(header.metadata, (Metadata{{"format", "pt"}, {"x", ""}}));
  EXPECT_TRUE(parse("{}", 0).entries.empty());
}

TEST(SafetensorsHeader, RefusesWhatIsNotAHeader) {
  const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  const std::pair<std::string, std::string_view> cases[] = {
      {"", "does not start"},
      {" {}", "does not start"},
      {"[]", "does not start"},
      {"{", "not valid JSON"},
      {"{} x", "not valid JSON"},
      {R"({"a":{)" + good, "not valid JSON"},
      {"{\"\xff\":{" + good + "}}", "not valid JSON"},
      {R"({"a":1})", "a: a number where"},
      {R"({"a":-1})", "a: a negative number where"},
      {R"({"a":null})", "a: null where"},
      {R"({"a":"x"})", "a: a string where"},
      {R"({"a":[]})", "a: a list where"},
      {R"({"":{)" + good + "}}", "without a name"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", "a: no data_offsets"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", "a: no shape"},
      {R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "a: no dtype"},
      {R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})", "a: a number where"},
      {R"({"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}})", "a: a string where"},
      {R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", "a: a list where"},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", "no integer"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", "data_offsets must be"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", "more than two"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "begin before end"},
      {R"({"a":{)" + good + R"(,"extra":0}})", "key 'extra'"},
      {R"({"a":{)" + good + R"(,"shape":[1]}})", "'shape' occurs twice"},
      {R"({"__metadata__":{"k":1}})", "strings only"},
      {R"({"__metadata__":{"k":{}}})", "strings only"},
      {R"({"__metadata__":{"k":"1","k":"2"}})", "'k' occurs twice"},
  };
  for (const auto& [json, part] : cases) {
    SCOPED_TRACE(json);
    expect_error(ErrorCode::kCorruptFile, {"[safetensors] f", part}, [&, &json = json] { parse(json, 4); });
  }
}

TEST(SafetensorsHeader, RefusesDuplicateNames) {
  const std::string json =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})";
  expect_error(ErrorCode::kCorruptFile, {"a: the name occurs twice"}, [&] { parse(json, 2); });
}

TEST(SafetensorsHeader, RefusesUnknownDtypes) {
  for (const std::string dtype : {"F8_E4M3", "U16", "C64", "f32", ""}) {
    const std::string json = R"({"model.w":{"dtype":")" + dtype + R"(","shape":[1],"data_offsets":[0,1]}})";
    expect_error(ErrorCode::kUnsupported, {"[safetensors] f", "model.w", "'" + dtype + "'"},
                 [&] { parse(json, 1); });
  }
}

TEST(SafetensorsHeader, RefusesAbsurdShapes) {
  const auto with_shape = [](const std::string& shape) {
    return R"({"w":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,4]}})";
  };
  expect_error(ErrorCode::kCorruptFile, {"w: 4 bytes", "needs 4000000000000000000"},
               [&] { parse(with_shape("[1000000000,1000000000]"), 4); });
  expect_error(ErrorCode::kCorruptFile, {"w", "2^62 bytes"},
               [&] { parse(with_shape("[2000000000,1000000000]"), 4); });
  expect_error(ErrorCode::kCorruptFile, {"w", "2^62 elements"},
               [&] { parse(with_shape("[4294967296,4294967296,4294967296]"), 4); });
  expect_error(ErrorCode::kCorruptFile, {"w", "9223372036854775807"},
               [&] { parse(with_shape("[9223372036854775807]"), 4); });
  expect_error(ErrorCode::kCorruptFile, {"w", "negative"}, [&] { parse(with_shape("[-1]"), 4); });
  expect_error(ErrorCode::kCorruptFile, {"w", "no integer"},
               [&] { parse(with_shape("[99999999999999999999]"), 4); });
  std::string deep = "[1";
  for (int i = 0; i < 40; ++i) deep += ",1";
  expect_error(ErrorCode::kCorruptFile, {"w", "dimensions"}, [&] { parse(with_shape(deep + "]"), 4); });
}

TEST(SafetensorsHeader, RefusesBytesThatDoNotAddUp) {
  const auto two = [](int b0, int e0, int b1, int e1) {
    return fmt::format(
        R"({{"a":{{"dtype":"F32","shape":[2],"data_offsets":[{},{}]}},"b":{{"dtype":"F32","shape":[2],"data_offsets":[{},{}]}}}})",
        b0, e0, b1, e1);
  };
  EXPECT_EQ(parse(two(8, 16, 0, 8), 16).entries[0].spec.name, "b");
  expect_error(ErrorCode::kCorruptFile, {"b", "overlap"}, [&] { parse(two(0, 8, 4, 12), 12); });
  expect_error(ErrorCode::kCorruptFile, {"overlap"}, [&] { parse(two(0, 8, 0, 8), 8); });
  expect_error(ErrorCode::kCorruptFile, {"b", "4 unused bytes"}, [&] { parse(two(0, 8, 12, 20), 20); });
  expect_error(ErrorCode::kCorruptFile, {"a", "1 unused bytes"}, [&] { parse(two(1, 9, 9, 17), 17); });
  expect_error(ErrorCode::kCorruptFile, {"b", "truncated"}, [&] { parse(two(0, 8, 8, 16), 15); });
  expect_error(ErrorCode::kCorruptFile, {"17 bytes of data", "have 16"},
               [&] { parse(two(0, 8, 8, 16), 17); });
  expect_error(ErrorCode::kCorruptFile, {"a: 7 bytes, but shape [2] F32 needs 8"},
               [&] { parse(two(0, 7, 7, 15), 15); });
  expect_error(ErrorCode::kCorruptFile, {"5 bytes of data"}, [&] { parse("{}", 5); });
}

TEST(SafetensorsHeader, LengthMustFitTheFile) {
  const auto length = [](std::uint64_t value, std::uint64_t file) {
    std::byte bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i) & 0xffU);
    return safetensors_header_length(bytes, file, "[safetensors] f");
  };
  EXPECT_EQ(length(2, 10), 2U);
  EXPECT_EQ(length(0x0102, 1000), 0x0102U);
  expect_error(ErrorCode::kCorruptFile, {"3 bytes", "has 2"}, [&] { length(3, 10); });
  expect_error(ErrorCode::kCorruptFile, {"too short"}, [&] { length(0, 7); });
  expect_error(ErrorCode::kCorruptFile, {"100000001"}, [&] { length(100'000'001, 1'000'000'000); });
  expect_error(ErrorCode::kCorruptFile, {"18446744073709551615"}, [&] { length(~std::uint64_t{0}, 10); });
}

TEST(SafetensorsHeader, MadeHeadersAlignEveryTensor) {
  const std::vector<TensorSpec> specs = {
      {"odd", DType::kU8, {3}}, {"w", DType::kF32, {5}},     {"h\"\n\xc3\xa9", DType::kBf16, {1}},
      {"d", DType::kF64, {1}},  {"empty", DType::kF32, {0}}, {"v", DType::kF32, {2, 2}}};
  SafetensorsHeader layout;
  const std::string bytes = make_safetensors_header(specs, {{"k\"", "v\t"}}, layout);
  EXPECT_EQ(bytes.size() % 8, 0U);
  EXPECT_EQ(layout.data_begin, bytes.size());
  const auto read =
      parse_safetensors_header(std::string_view(bytes).substr(8), bytes.size() + 8 + 20 + 16 + 2 + 3, "f");
  EXPECT_EQ(read.metadata, (Metadata{{"k\"", "v\t"}}));
  ASSERT_EQ(read.entries.size(), specs.size());
  const char* order[] = {"d", "w", "empty", "v", "h\"\n\xc3\xa9", "odd"};
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto& entry = read.entries[i];
    EXPECT_EQ(entry.spec.name, order[i]);
    EXPECT_EQ(entry.spec, layout.entries[i].spec);
    EXPECT_EQ(entry.begin, layout.entries[i].begin);
    EXPECT_EQ((read.data_begin + entry.begin) % dtype_size(entry.spec.dtype), 0U) << order[i];
  }
}

TEST(SafetensorsHeader, MakesNoHeaderThatItWouldNotRead) {
  SafetensorsHeader layout;
  const auto make = [&](const std::string& name) {
    make_safetensors_header({{"a", DType::kU8, {1}}, {name, DType::kU8, {1}}}, {}, layout);
  };
  EXPECT_NO_THROW(make("b"));
  expect_error(ErrorCode::kInvalidArgument, {"a: the name occurs twice"}, [&] { make("a"); });
  expect_error(ErrorCode::kInvalidArgument, {"cannot be"}, [&] { make(""); });
  expect_error(ErrorCode::kInvalidArgument, {"cannot be"}, [&] { make("__metadata__"); });
  expect_error(ErrorCode::kInvalidArgument, {"UTF-8"}, [&] { make("\xff\xfe"); });
}

}  // namespace
}  // namespace lq
