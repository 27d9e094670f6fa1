// The format int-row: its values against their definition, its bytes there and back, and what it refuses.
#include "quant/int_row.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

const IntRowFormat kFormat;
using Bytes = std::vector<std::vector<std::uint8_t>>;

Bytes bytes_of(const PackedMatrix& matrix) {
  Bytes bytes;
  for (const PackedPart& part : matrix.parts()) bytes.emplace_back(part.bytes.begin(), part.bytes.end());
  return bytes;
}

PackedMatrix open(const char* bits, std::int64_t rows, std::int64_t cols, const Bytes& bytes) {
  return kFormat.open(bits, rows, cols, std::vector<std::span<const std::uint8_t>>{bytes[0], bytes[1]}, "m",
                      {});
}

TEST(IntRow, ValuesAreTheNearestMultiplesOfTheRowsScale) {
  ThreadPool pool(2);
  for (const int bits : {2, 3, 4, 8}) {
    const auto quantizer = kFormat.quantizer(std::to_string(bits), {});
    EXPECT_EQ(quantizer->name(), "int-row " + std::to_string(bits));
    EXPECT_EQ(quantizer->bits_per_weight(), bits);
    for (const auto& [rows, cols] :
         {std::pair<std::int64_t, std::int64_t>{1, 1}, {3, 17}, {40, 64}, {5, 131}}) {
      const auto w = reference::normal_matrix(rows, cols, 3);
      std::vector<float> q(w.size());
      quantizer->round_trip(pool, w.data(), rows, cols, q.data());
      const float top = static_cast<float>((1 << (bits - 1)) - 1);
      for (std::int64_t i = 0; i < rows; ++i) {
        float absmax = 0.0F;
        for (std::int64_t k = 0; k < cols; ++k)
          absmax = std::max(absmax, std::abs(w[static_cast<std::size_t>(i * cols + k)]));
        const float scale = absmax / top;
        for (std::int64_t k = i * cols; k < (i + 1) * cols; ++k) {
          const float value = q[static_cast<std::size_t>(k)];
          EXPECT_LE(std::abs(value - w[static_cast<std::size_t>(k)]), 0.5001F * scale);
          EXPECT_EQ(value, std::nearbyint(value / scale) * scale);
          EXPECT_LE(std::abs(value), absmax * 1.0001F);
        }
      }
      // Packed, it has these values, and in place it computes them too.
      const PackedMatrix packed = quantizer->pack(pool, w.data(), rows, cols);
      std::vector<float> out(w.size());
      packed.dequantize(pool, out.data());
      ASSERT_EQ(std::memcmp(out.data(), q.data(), 4 * q.size()), 0)
          << bits << " bits " << rows << 'x' << cols;
      std::vector<float> inplace = w;
      quantizer->round_trip(pool, inplace.data(), rows, cols, inplace.data());
      EXPECT_EQ(inplace, q);
    }
  }
}

TEST(IntRow, BytesComeBack) {
  ThreadPool pool(1);
  for (const char* bits : {"2", "3", "4", "8"}) {
    const auto w = reference::normal_matrix(6, 21, 4);
    const PackedMatrix packed = kFormat.quantizer(bits, {})->pack(pool, w.data(), 6, 21);
    const std::vector<TensorSpec> specs = kFormat.parts(bits, 6, 21, "m");
    ASSERT_EQ(specs.size(), packed.parts().size());
    for (std::size_t i = 0; i < specs.size(); ++i) {
      EXPECT_EQ(specs[i],
                (TensorSpec{packed.parts()[i].suffix, packed.parts()[i].dtype, packed.parts()[i].shape}));
    }
    const Bytes bytes = bytes_of(packed);  // open() borrows them
    const PackedMatrix back = open(bits, 6, 21, bytes);
    EXPECT_EQ(back.choice(), packed.choice());
    EXPECT_EQ(back.storage_bytes(), 6 * ((21 * std::stoi(bits) + 7) / 8) + 24);
    std::vector<float> want(w.size()), got(w.size());
    packed.dequantize(pool, want.data());
    back.dequantize(pool, got.data());
    EXPECT_EQ(want, got);
  }
}

// docs/formats/int_row.md.
TEST(IntRow, TheDocumentedExample) {
  ThreadPool pool(1);
  const std::vector<float> w = {0.7F, -0.1F, 0.31F, -0.7F, 0.05F, 0, 3, -3, 1};
  const PackedMatrix packed = kFormat.quantizer("4", {})->pack(pool, w.data(), 3, 3);
  // Codes 15 7 11 | 1 8 8 | 15 1 10, two a byte, low nibble first; 0.7 / 7 and 3 / 7.
  const std::vector<std::uint8_t> codes = {0x7f, 0x0b, 0x81, 0x08, 0x1f, 0x0a};
  EXPECT_EQ(bytes_of(packed)[0], codes);
  float scales[3];
  std::memcpy(scales, packed.parts()[1].bytes.data(), sizeof(scales));
  EXPECT_EQ(scales[0], 0.7F / 7);
  EXPECT_EQ(scales[2], 3.0F / 7);
}

TEST(IntRow, RowsOfZerosAndOfTheLargestNumbersStayFinite) {
  ThreadPool pool(1);
  constexpr float kMax = std::numeric_limits<float>::max();
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  const std::vector<float> w = {0, 0, 0, kMax, -kMax, kMax / 3, kTiny, -kTiny, 3 * kTiny};
  for (const char* bits : {"2", "3", "4", "8"}) {
    const PackedMatrix packed = kFormat.quantizer(bits, {})->pack(pool, w.data(), 3, 3);
    std::vector<float> out(9), q(9);
    open(bits, 3, 3, bytes_of(packed)).dequantize(pool, out.data());  // no reader refuses it
    kFormat.quantizer(bits, {})->round_trip(pool, w.data(), 3, 3, q.data());
    EXPECT_EQ(std::memcmp(out.data(), q.data(), sizeof(float) * 9), 0);
    for (const float x : out) EXPECT_TRUE(std::isfinite(x)) << bits;
    EXPECT_EQ(out[0], 0.0F);
  }
}

TEST(IntRow, RefusesBytesThatNoWriterWrites) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(4, 5, 4);
  const Bytes good = bytes_of(kFormat.quantizer("3", {})->pack(pool, w.data(), 4, 5));
  const auto expect_refused = [&](const Bytes& bad, const char* part) {
    try {
      open("3", 4, 5, bad);
      ADD_FAILURE() << part;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  for (const float scale : {-1.0F, -0.0F, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()}) {
    Bytes bad = good;
    std::memcpy(bad[1].data() + 8, &scale, 4);
    expect_refused(bad, "scales[2]");
  }
  Bytes bad = good;
  bad[0][3] |= 0x80;  // 15 bits a row: the last of its second byte is padding
  expect_refused(bad, "padding of row 1");
  bad = good;
  bad[0].pop_back();
  expect_refused(bad, "bytes of codes");
  bad = good;
  bad[1].push_back(0);
  expect_refused(bad, "scales");
}

TEST(IntRow, ParametersAreWidths) {
  EXPECT_EQ(kFormat.parse(" 4 ", "x"), "4");
  EXPECT_EQ(kFormat.uniform(3), "3");
  EXPECT_EQ(kFormat.choices(ChoiceSet::kLean), (std::vector<std::string>{"2", "3", "4", "8"}));
  for (const char* bad : {"", "5", "4,8", "four", "-4", "4.0"})
    EXPECT_THROW(kFormat.parse(bad, "x"), Error) << bad;
  EXPECT_THROW(kFormat.uniform(6), Error);
  EXPECT_THROW(kFormat.parts("4", 0, 5, "x"), Error);
  EXPECT_THROW(kFormat.parts("4", std::int64_t{1} << 40, std::int64_t{1} << 40, "x"), Error);
}

}  // namespace
}  // namespace lq
