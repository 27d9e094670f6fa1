#include "quant/ggml/group_coder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "quant/ggml/block_fit.h"
#include "quant/ggml/dequantize.h"
#include "reference/dense_matrix.h"

namespace lq::ggml {
namespace {

TEST(GroupCoder, ValuesAreThoseOfTheBytesAndWhatWasPassedIsTakenOn) {
  const auto w = reference::normal_matrix(1, 256, 13);
  std::vector<float> s(256 * 256, 0.0F);
  for (std::size_t l = 0; l < 256; ++l) {
    for (std::size_t j = 0; j <= l; ++j)
      s[l * 256 + j] = l == j ? 1.0F : 0.2F / static_cast<float>(1 + l - j);
  }
  const std::vector<float> none(256, 0.0F);
  // What errors of 0.5 in columns to the right leave.
  std::vector<float> passed(256);
  for (std::size_t j = 0; j < 256; ++j) passed[j] = 0.5F * std::exp(-0.02F * static_cast<float>(256 - j));
  const GroupFactor factor = {s.data(), 256, 256};
  const auto left_of = [&](const std::vector<float>& values) {
    double sum = 0.0;
    for (std::size_t j = 0; j < 256; ++j) {
      double x = passed[j];
      for (std::size_t l = j; l < 256; ++l) x += (double{w[l]} - values[l]) * s[l * 256 + j];
      sum += x * x;
    }
    return sum;
  };
  for (const GgmlType type :
       {GgmlType::kQ2_K, GgmlType::kQ3_K, GgmlType::kQ4_0, GgmlType::kQ4_1, GgmlType::kQ6_K}) {
    const BlockKind& kind = block_kind(type);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(256 / kind.weights * type_info(type).bytes));
    std::vector<float> values(256), decoded(256), blind(256);
    GroupCoder coder(kind, true);
    coder.code(factor, w.data(), none.data(), blind.data(), bytes.data());
    coder.code(factor, w.data(), passed.data(), values.data(), bytes.data());
    dequantize(type, reinterpret_cast<const std::byte*>(bytes.data()), 0, 256, decoded.data());
    for (std::size_t i = 0; i < 256; ++i) ASSERT_FLOAT_EQ(decoded[i], values[i]) << type_info(type).name << i;
    EXPECT_LT(left_of(values), left_of(blind)) << type_info(type).name;
    GroupCoder plain(kind, false);
    std::vector<float> ranged(256);
    plain.code(factor, w.data(), passed.data(), ranged.data(), bytes.data());
    EXPECT_LT(left_of(values), left_of(ranged)) << type_info(type).name;
  }
}

}  // namespace
}  // namespace lq::ggml
