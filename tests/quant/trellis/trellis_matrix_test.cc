// Stored parts of a trellis code: what a reader takes and what it refuses.
#include "quant/trellis/trellis_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "quant/trellis/trellis_format.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

using Bytes = std::vector<std::vector<std::uint8_t>>;
const TrellisFormat kTrellis;

Bytes parts_of(const PackedMatrix& matrix) {
  Bytes bytes;
  for (const PackedPart& part : matrix.parts()) bytes.emplace_back(part.bytes.begin(), part.bytes.end());
  return bytes;
}

PackedMatrix open_again(const Bytes& bytes, std::int64_t rows, std::int64_t cols) {
  const std::vector<std::span<const std::uint8_t>> parts(bytes.begin(), bytes.end());
  return kTrellis.open("3,11,32", rows, cols, parts, "m", {});
}

TEST(TrellisMatrix, BytesComeBack) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(19, 70, 4);
  const PackedMatrix packed = kTrellis.quantizer("3,11,32", {})->pack(pool, w.data(), 19, 70);
  const std::vector<TensorSpec> specs = kTrellis.parts("3,11,32", 19, 70, "m");
  ASSERT_EQ(specs.size(), packed.parts().size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const PackedPart& part = packed.parts()[i];
    EXPECT_EQ(specs[i], (TensorSpec{part.suffix, part.dtype, part.shape}));
    EXPECT_EQ(specs[i].bytes(), part.bytes.size());
  }
  const Bytes bytes = parts_of(packed);
  const PackedMatrix back = open_again(bytes, 19, 70);
  EXPECT_EQ(back.choice(), packed.choice());
  EXPECT_EQ(back.choice().name(), "tcq 3,11,32");
  EXPECT_EQ(back.storage_bytes(), 2 * 5 * 96 + 19 * 3 + 4 + 4);
  EXPECT_EQ(parts_of(back), bytes);
  std::vector<float> want(w.size()), got(w.size());
  packed.dequantize(pool, want.data());
  back.dequantize(pool, got.data());
  EXPECT_EQ(want, got);
}

TEST(TrellisMatrix, RefusesPartsThatNoWriterWrites) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(19, 70, 4);
  const Bytes good = parts_of(kTrellis.quantizer("3,11,32", {})->pack(pool, w.data(), 19, 70));
  const auto expect_refused = [&](const Bytes& bad, const char* part) {
    try {
      open_again(bad, 19, 70);
      ADD_FAILURE() << part;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      EXPECT_EQ(std::string(e.what()).rfind("m: " + std::string(part), 0), 0U) << e.what();
    }
  };
  const char* const names[] = {"codes", "scales", "scales2", "offset"};
  for (std::size_t i = 0; i < 4; ++i) {
    Bytes bad = good;
    bad[i].pop_back();
    expect_refused(bad, names[i]);
    bad[i].push_back(0);
    bad[i].push_back(0);
    expect_refused(bad, names[i]);
  }
  for (const float x : {-1.0F, -0.0F, std::numeric_limits<float>::quiet_NaN(),
                        std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()}) {
    for (const std::size_t i : {std::size_t{2}, std::size_t{3}}) {
      Bytes bad = good;
      std::memcpy(bad[i].data(), &x, 4);
      expect_refused(bad, names[i]);
    }
  }
  EXPECT_THROW(open_again(good, 19, 0), Error);
  EXPECT_THROW(open_again(good, std::int64_t{1} << 40, std::int64_t{1} << 40), Error);
}

TEST(TrellisMatrix, TheLargestScalesGiveFiniteValues) {
  Bytes bytes = {std::vector<std::uint8_t>(96), std::vector<std::uint8_t>(16, 255),
                 std::vector<std::uint8_t>(4), std::vector<std::uint8_t>(4)};
  for (std::size_t i = 0; i < 96; ++i) bytes[0][i] = static_cast<std::uint8_t>(i * 37);
  const float most = trellis_most_scale();
  std::memcpy(bytes[2].data(), &most, 4);
  std::memcpy(bytes[3].data(), &most, 4);
  ThreadPool pool(1);
  std::vector<float> out(256);
  open_again(bytes, 16, 16).dequantize(pool, out.data());
  for (const float x : out) ASSERT_TRUE(std::isfinite(x));
}

}  // namespace
}  // namespace lq
