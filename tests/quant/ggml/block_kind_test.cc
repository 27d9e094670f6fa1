#include "quant/ggml/block_kind.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "quant/ggml/block_fit.h"
#include "quant/ggml/dequantize.h"

namespace lq::ggml {
namespace {

TEST(BlockKind, BlocksAreThoseThatGgmlDecodes) {
  std::mt19937 random(7);
  const auto upto = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  };
  ASSERT_EQ(block_kinds().size(), 12U);
  for (const BlockKind& kind : block_kinds()) {
    const GgmlTypeInfo& info = type_info(kind.type);
    ASSERT_EQ(info.weights, kind.weights);
    for (int repeat = 0; repeat < 20; ++repeat) {
      BlockScales scales;
      scales.d = 0.01F * static_cast<float>(upto(-50, 50));
      scales.m = 0.01F * static_cast<float>(upto(0, 50));
      for (int i = 0; kind.whole_numbers() && i < kind.subs(); ++i) {
        scales.scale[static_cast<std::size_t>(i)] = upto(kind.scale_low, kind.scale_high);
        if (kind.least) scales.least[static_cast<std::size_t>(i)] = upto(0, kind.scale_high);
      }
      scales.restore(kind);
      std::vector<std::uint8_t> codes(static_cast<std::size_t>(kind.weights));
      for (auto& code : codes) code = static_cast<std::uint8_t>(upto(0, kind.codes - 1));
      std::vector<std::uint8_t> bytes(static_cast<std::size_t>(info.bytes), 0xff);
      put_block(kind, scales, codes.data(), bytes.data());
      std::vector<float> values(codes.size());
      dequantize(kind.type, reinterpret_cast<const std::byte*>(bytes.data()), 0, kind.weights, values.data());
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const float want = value_of(kind, scales, i / static_cast<std::size_t>(kind.sub), codes[i]);
        ASSERT_FLOAT_EQ(values[i], want) << info.name << " " << i;
        ASSERT_EQ(kind.nearest(kind.value(codes[i])), codes[i]) << info.name;
      }
    }
  }
}

TEST(BlockKind, CodesAreTheNearest) {
  for (const BlockKind& kind : block_kinds()) {
    for (float x = -300.0F; x <= 300.0F; x += 0.37F) {
      const float off = std::abs(kind.value(kind.nearest(x)) - x);
      for (int code = 0; code < kind.codes; ++code) {
        ASSERT_LE(off, std::abs(kind.value(code) - x)) << type_info(kind.type).name << " " << x;
      }
    }
    EXPECT_GE(kind.nearest(std::numeric_limits<float>::infinity()), 0);
  }
}

TEST(BlockKind, RowsThatNoSuperBlockFitsGetBlocksOf32) {
  const BlockKind& q4_k = block_kind(GgmlType::kQ4_K);
  EXPECT_EQ(fitting_kind(q4_k, 512)->type, GgmlType::kQ4_K);
  EXPECT_EQ(fitting_kind(q4_k, 576)->type, GgmlType::kQ5_0);
  EXPECT_EQ(fitting_kind(block_kind(GgmlType::kQ6_K), 96)->type, GgmlType::kQ8_0);
  EXPECT_EQ(fitting_kind(block_kind(GgmlType::kQ2_K), 96)->type, GgmlType::kIq4Nl);
  EXPECT_EQ(fitting_kind(q4_k, 40), nullptr);
}

}  // namespace
}  // namespace lq::ggml
