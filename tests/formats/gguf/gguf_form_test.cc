#include "formats/gguf/gguf_form.h"

#include <gtest/gtest.h>

#include <numeric>

#include "support/io_test_util.h"

namespace lq {
namespace {

using ggml::GgmlType;

TEST(GgufForm, PlainTensorsAreBorrowed) {
  std::vector<float> w(6);
  std::iota(w.begin(), w.end(), 0.0F);
  const GgufTensor entry{"a", GgmlType::kF32, {2, 3}, 0, 24};
  const TensorView view = gguf_view({&entry, reinterpret_cast<const std::byte*>(w.data())}, "x", {}, "f");
  EXPECT_EQ(view.form, nullptr);
  EXPECT_EQ(view.dtype(), DType::kF32);
  EXPECT_EQ(view.borrow().raw(), view.data);
}

TEST(GgufForm, RowsOfHeadsComeInHuggingFacesOrder) {
  // Two heads of four rows; stored row 2j + s of a head is row j + 2s.
  std::vector<float> w(8 * 2);
  std::iota(w.begin(), w.end(), 0.0F);
  const GgufTensor entry{"a", GgmlType::kF32, {8, 2}, 0, 64};
  const TensorView view =
      gguf_view({&entry, reinterpret_cast<const std::byte*>(w.data())}, "x", {.head_dim = 4}, "f");
  const std::vector<float> want = {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15};
  const Tensor all = view.copy_f32();
  EXPECT_EQ(std::vector<float>(all.data<float>(), all.data<float>() + 16), want);
  for (std::int64_t begin = 0; begin < 16; ++begin) {
    std::vector<float> part(static_cast<std::size_t>(16 - begin));
    view.to_f32(begin, 16 - begin, part.data());
    EXPECT_EQ(part, std::vector<float>(want.begin() + begin, want.end())) << begin;
  }
  EXPECT_EQ(view.numel(), 16);
  EXPECT_EQ(view.bits_per_element(), 32.0);
  io_test::expect_error(ErrorCode::kInternal, {"x", "decoded"}, [&] { (void)view.borrow(); });
  io_test::expect_error(ErrorCode::kCorruptFile, {"f", "a has 8 rows", "heads of 6"}, [&] {
    (void)gguf_view({&entry, reinterpret_cast<const std::byte*>(w.data())}, "x", {.head_dim = 6}, "f");
  });
}

TEST(GgufForm, AVectorOfHeadsAndHalfPrecisionKeepTheirTypes) {
  const std::vector<std::uint16_t> halves = {0x3c00, 0x4000, 0x4200, 0x4400};  // 1, 2, 3, 4
  const GgufTensor entry{"b", GgmlType::kF16, {4}, 0, 8};
  const TensorView view =
      gguf_view({&entry, reinterpret_cast<const std::byte*>(halves.data())}, "x", {.head_dim = 4}, "f");
  const Tensor copy = view.values();
  ASSERT_EQ(copy.dtype(), DType::kF16);
  const auto* bits = reinterpret_cast<const std::uint16_t*>(copy.raw());
  EXPECT_EQ(std::vector<std::uint16_t>(bits, bits + 4),
            (std::vector<std::uint16_t>{0x3c00, 0x4200, 0x4000, 0x4400}));
  EXPECT_EQ(view.stored_type(), "F16");
}

TEST(GgufForm, WhatWasAddedIsTakenAway) {
  const std::vector<std::uint16_t> halves = {0x3c00, 0x4000};  // 1, 2
  const GgufTensor entry{"n", GgmlType::kF16, {2}, 0, 4};
  const TensorView view =
      gguf_view({&entry, reinterpret_cast<const std::byte*>(halves.data())}, "x", {.added = 1.0F}, "f");
  // 1 + w may be a half where w is none.
  EXPECT_EQ(view.dtype(), DType::kF32);
  const Tensor w = view.values();
  EXPECT_EQ(std::vector<float>(w.data<float>(), w.data<float>() + 2), (std::vector<float>{0.0F, 1.0F}));
}

TEST(GgufForm, MatricesOfAStack) {
  std::vector<std::uint8_t> blocks(3 * 2 * 34, 0);  // three matrices of two rows
  for (std::size_t row = 0; row < 6; ++row) {
    blocks[34 * row + 1] = 0x3c;
    for (std::size_t i = 2; i < 34; ++i) blocks[34 * row + i] = static_cast<std::uint8_t>(row + 1);
  }
  const GgufTensor entry{"s", GgmlType::kQ8_0, {3, 2, 32}, 0, blocks.size()};
  const GgufFile::Tensor stack = {&entry, reinterpret_cast<const std::byte*>(blocks.data())};
  for (std::int64_t e = 0; e < 3; ++e) {
    const TensorView view = gguf_matrix_of_stack(stack, e, "x", "f");
    EXPECT_EQ(view.shape(), (Shape{2, 32}));
    EXPECT_EQ(view.bytes, 68U);
    const Tensor w = view.values();
    for (std::int64_t i = 0; i < 64; ++i) {
      ASSERT_EQ(w.data<float>()[i], static_cast<float>(2 * e + i / 32 + 1)) << e;
    }
  }
}

TEST(GgufForm, BlocksAreDecoded) {
  std::vector<std::uint8_t> block(2 * 34, 1);
  block[0] = block[34] = 0;
  block[1] = block[35] = 0x3c;
  const GgufTensor entry{"q", GgmlType::kQ8_0, {2, 32}, 0, 68};
  const TensorView view = gguf_view({&entry, reinterpret_cast<const std::byte*>(block.data())}, "x", {}, "f");
  EXPECT_EQ(view.dtype(), DType::kF32);
  EXPECT_EQ(view.stored_type(), "Q8_0");
  EXPECT_EQ(view.bits_per_element(), 8.5);
  const Tensor all = view.values();
  for (std::int64_t i = 0; i < 64; ++i) EXPECT_EQ(all.data<float>()[i], 1.0F);
}

}  // namespace
}  // namespace lq
