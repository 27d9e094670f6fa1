// The defining codec against values worked out by hand, with codebooks and weights whose arithmetic is exact.
#include "quant/codebook/codebook_reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

namespace lq {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
using CodecBytes = std::vector<std::uint8_t>;

// -1, -1/2, 0 and 1: codes 0 to 3.
Codebook four_values() {
  Codebook book{};
  std::ranges::copy(std::array{-1.0F, -0.5F, 0.0F, 1.0F}, book.values);
  std::ranges::copy(std::array{-0.75F, -0.25F, 0.5F}, book.midpoints);
  book.bits = 2;
  book.zero = 2;
  return book;
}

// The code of each element.
std::vector<int> codes_in(const CodecBytes& packed, std::int64_t count, int bits) {
  std::vector<int> codes;
  for (std::int64_t i = 0; i < count; ++i)
    codes.push_back(codebook_reference_unpack_one(packed.data(), i, bits));
  return codes;
}

std::vector<float> values_in(const CodebookReferencePacked& packed, std::int64_t n,
                             const CodebookConfig& config, const Codebook& book) {
  std::vector<float> out(static_cast<std::size_t>(n));
  codebook_reference_dequantize(packed, n, config, book, 0, n, out.data());
  return out;
}

// `size` numbers that are `fill` but for these, the first of which come first.
template <typename T>
std::vector<T> mostly(T fill, std::size_t size, std::initializer_list<T> first,
                      std::initializer_list<std::pair<std::size_t, T>> others) {
  std::vector<T> all(size, fill);
  std::copy(first.begin(), first.end(), all.begin());
  for (const auto& [index, value] : others) all[index] = value;
  return all;
}

// One weight of each block of 16, the others 0.
std::vector<float> one_of_each_block(const std::vector<float>& largest) {
  std::vector<float> w(largest.size() * 16, 0.0F);
  for (std::size_t j = 0; j < largest.size(); ++j) w[j * 16 + j % 16] = largest[j];
  return w;
}

TEST(CodebookReference, WhereTheBitsOfACodeLie) {
  struct Place {
    int bits;
    std::size_t index;  // of the only code that is not 0: all of its bits are 1
    std::vector<std::pair<std::size_t, int>> expected;  // bytes that are not 0
  };
  const Place places[] = {{2, 0, {{0, 0x03}}},
                          {2, 63, {{15, 0xC0}}},
                          {3, 21, {{5, 0x0C}, {18, 0x20}}},
                          {3, 64 + 21, {{24 + 5, 0x0C}, {24 + 18, 0x20}}},
                          {4, 31, {{31, 0x0F}}},
                          {4, 32, {{0, 0xF0}}},
                          {5, 33, {{1, 0xF0}, {36, 0x02}}},
                          {5, 64 + 7, {{40 + 7, 0x0F}, {40 + 32, 0x80}}},
                          {6, 50, {{18, 0xF0}, {34, 0xC0}}},
                          {8, 64 + 9, {{73, 0xFF}}}};
  for (const Place& p : places) {
    SCOPED_TRACE(std::to_string(p.bits) + " bits, code " + std::to_string(p.index));
    CodecBytes codes(128, 0);
    codes[p.index] = static_cast<std::uint8_t>((1 << p.bits) - 1);
    CodecBytes want(static_cast<std::size_t>(16 * p.bits), 0);
    for (const auto& [byte, value] : p.expected) want[byte] = static_cast<std::uint8_t>(value);
    EXPECT_EQ(codebook_reference_pack(codes.data(), 128, p.bits), want);
  }
}

TEST(CodebookReference, CodesComeBackAndFillWholeGroupsWithZeros) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const std::int64_t count : {1, 15, 16, 17, 63, 64, 65, 200}) {
      SCOPED_TRACE(std::to_string(bits) + " bits, " + std::to_string(count));
      std::vector<int> codes;
      CodecBytes bytes;
      int ones = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        codes.push_back(static_cast<int>((i * i + 37 * i + 11) % 257 & ((1 << bits) - 1)));
        bytes.push_back(static_cast<std::uint8_t>(codes.back()));
        ones += std::popcount(static_cast<unsigned>(codes.back()));
      }
      const CodecBytes packed = codebook_reference_pack(bytes.data(), count, bits);
      const std::int64_t groups = count <= 64 ? 1 : count == 65 ? 2 : 4;
      ASSERT_EQ(std::ssize(packed), groups * 8 * bits);
      EXPECT_EQ(codes_in(packed, count, bits), codes);
      for (const std::uint8_t b : packed) ones -= std::popcount(b);
      EXPECT_EQ(ones, 0) << "no bit but those of the codes";
    }
  }
}

// Magnitudes 4, 2.5 and 1: offset 1, T = 3, so that a step of two bits is 1: scales 4, 3 (1.5 steps are two)
// and 1.
TEST(CodebookReference, ThreeBlocksByHand) {
  const CodebookConfig config{2, 2, ScaleDType::kFp32, 16, 16};
  const Codebook book = four_values();
  const auto w = mostly(0.0F, 33, {4.0F, -4.0F, -3.0F, -2.99F, 2.0F, 2.01F, -1.0F, -0.99F},
                        {{16, 2.5F}, {17, 1.5F}, {18, -2.5F}, {32, -1.0F}});
  const CodebookReferencePacked packed = codebook_reference_quantize(w.data(), 33, config, book);
  EXPECT_EQ(packed.offset, 1.0F);
  EXPECT_EQ(packed.scales2, (CodecBytes{0, 0, 0x40, 0x40})) << "3.0F, its lowest byte first";
  EXPECT_EQ(codes_in(packed.scales, 3, 2), (std::vector<int>{3, 2, 0}));
  // What lies on a midpoint belongs to the value below.
  EXPECT_EQ(codes_in(packed.codes, 33, 2),
            mostly(2, 33, {3, 0, 0, 1, 2, 3, 1, 2}, {{16, 3}, {17, 2}, {18, 0}, {32, 0}}));
  EXPECT_EQ(values_in(packed, 33, config, book),
            mostly(0.0F, 33, {4.0F, -4.0F, -4.0F, -2.0F, 0.0F, 4.0F, -2.0F},
                   {{16, 3.0F}, {18, -3.0F}, {32, -1.0F}}));
}

TEST(CodebookReference, ScaleCodesAreRoundedToEvenAndGroupsHaveTheirOwnScale) {
  const CodebookConfig config{2, 2, ScaleDType::kFp32, 16, 16};
  // Above the offset 1: 3, 0.5, 1.5, 2.5 and zeros; then, in the second group, 8 and 4.
  const std::vector<float> w =
      one_of_each_block(mostly(1.0F, 18, {4.0F, -1.5F, 2.5F, -3.5F}, {{16, 9.0F}, {17, 5.0F}}));
  const CodebookReferencePacked packed = codebook_reference_quantize(w.data(), 288, config, four_values());
  EXPECT_EQ(codes_in(packed.scales, 18, 2), mostly(0, 18, {3, 0, 2, 2}, {{16, 3}, {17, 2}}));
  EXPECT_EQ(packed.scales2, (CodecBytes{0, 0, 0x40, 0x40, 0, 0, 0, 0x41})) << "3 and 8";
  const std::vector<float> values = values_in(packed, 288, config, four_values());
  EXPECT_EQ(values[256], 9.0F);
  EXPECT_EQ(values[273], 1.0F + 2.0F * (8.0F / 3.0F));
}

TEST(CodebookReference, SecondLevelScalesInTheirTypes) {
  struct Rounded {
    ScaleDType dtype;
    float largest;
    CodecBytes bytes;
  };
  constexpr auto kBf16 = ScaleDType::kBf16, kFp16 = ScaleDType::kFp16;
  const Rounded cases[] = {
      {kFp16, 1.0F + 0x1p-11F, {0x00, 0x3C}},  // halfway: to even
      {kFp16, 1.0F + 3 * 0x1p-11F, {0x02, 0x3C}},
      {kFp16, 1.0F + 0x1.8p-11F, {0x01, 0x3C}},
      {kFp16, 1e30F, {0xFF, 0x7B}},  // its largest, not infinity
      {kBf16, 1.0F + 0x1p-8F, {0x80, 0x3F}},
      {kBf16, 1.0F + 3 * 0x1p-8F, {0x82, 0x3F}},
      {kBf16, kLargest, {0x7F, 0x7F}},
      {ScaleDType::kFp32, 1.0F + 0x1p-23F, {0x01, 0x00, 0x80, 0x3F}},
  };
  for (const Rounded& c : cases) {
    SCOPED_TRACE(c.largest);
    const CodebookConfig config{2, 3, c.dtype, 16, 16};
    const std::vector<float> w = one_of_each_block({c.largest, 0.0F});  // offset 0
    const CodebookReferencePacked packed = codebook_reference_quantize(w.data(), 32, config, four_values());
    EXPECT_EQ(packed.scales2, c.bytes);
    EXPECT_EQ(codes_in(packed.scales, 2, 3), (std::vector<int>{7, 0})) << "never more than all steps";
    for (const float v : values_in(packed, 32, config, four_values())) EXPECT_TRUE(std::isfinite(v));
  }
}

// Zeros, and one weight that is zero or too small for the type of a second-level scale.
TEST(CodebookReference, NothingButZeros) {
  const CodebookConfig config{2, 8, ScaleDType::kFp16, 16, 16};
  const Codebook book = four_values();
  for (const float first : {-0.0F, 1e-9F}) {
    for (const std::int64_t n : {1, 16, 100}) {
      if (first > 0.0F && n < 100) continue;  // of a single block, that is the offset
      const auto w = mostly(0.0F, static_cast<std::size_t>(n), {first}, {});
      const CodebookReferencePacked packed = codebook_reference_quantize(w.data(), n, config, book);
      EXPECT_EQ(std::bit_cast<std::uint32_t>(packed.offset), 0U);
      EXPECT_EQ(packed.scales2, (CodecBytes{0, 0}));
      EXPECT_EQ(packed.scales, CodecBytes(64, 0));
      EXPECT_EQ(codes_in(packed.codes, n, 2), mostly(book.zero, static_cast<std::size_t>(n), {}, {}));
      EXPECT_EQ(values_in(packed, n, config, book), mostly(0.0F, static_cast<std::size_t>(n), {}, {}));
    }
  }
}

TEST(CodebookReference, AnyStretchIsThatOfTheWhole) {
  const CodebookConfig config{2, 4, ScaleDType::kBf16, 16, 16};
  std::vector<float> w(300);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(static_cast<int>(i * 37 % 64) - 32);
  const Codebook book = four_values();
  const CodebookReferencePacked packed = codebook_reference_quantize(w.data(), 300, config, book);
  const std::vector<float> whole = values_in(packed, 300, config, book);
  for (const auto& [begin, count] : {std::pair{0, 1}, {15, 2}, {255, 45}, {299, 1}, {7, 0}, {300, 0}}) {
    std::vector<float> part(static_cast<std::size_t>(count) + 1, 77.0F);
    codebook_reference_dequantize(packed, 300, config, book, begin, count, part.data());
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(part[static_cast<std::size_t>(i)], whole[static_cast<std::size_t>(begin + i)]);
    EXPECT_EQ(part.back(), 77.0F) << "nothing behind it is written";
  }
}

TEST(CodebookReference, ScalesEndAtTheLargestNumber) {
  const CodebookConfig config{2, 2, ScaleDType::kFp32, 16, 16};
  // Offset and T both the largest: 1 + 3/3 of them would be infinite.
  const CodebookReferencePacked packed{codebook_reference_pack(CodecBytes{3, 0, 1, 2}.data(), 4, 2),
                                       codebook_reference_pack(CodecBytes{3}.data(), 1, 2),
                                       {0xFF, 0xFF, 0x7F, 0x7F},
                                       kLargest};
  EXPECT_EQ(values_in(packed, 4, config, four_values()),
            (std::vector<float>{kLargest, -kLargest, -kLargest / 2, 0.0F}));
}

}  // namespace
}  // namespace lq
