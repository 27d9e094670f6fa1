#include "quant/ggml/dequantize.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "base/error.h"
#include "formats/safetensors_reader.h"
#include "support/paths.h"

namespace lq::ggml {
namespace {

SafetensorsReader golden_blocks() {
  return SafetensorsReader(test::source_dir() + "/tests/goldens/ggml/blocks.safetensors");
}

constexpr std::uint32_t kLargestNumber = 64;

TEST(GgmlDequantize, EveryTypeHasTheBitsOfGgufPy) {
  const SafetensorsReader golden = golden_blocks();
  int checked = 0;
  for (std::uint32_t number = 0; number < kLargestNumber; ++number) {
    const GgmlTypeInfo* info = find_type(number);
    if (info == nullptr) continue;
    const TensorView* blocks = golden.find(std::string(info->name) + ".blocks");
    if (blocks == nullptr) {
      EXPECT_TRUE(info->as && *info->as != DType::kF16 && *info->as != DType::kBf16)
          << info->name << " has no golden";
      continue;
    }
    const TensorView& weights = golden.at(std::string(info->name) + ".weights");
    ASSERT_EQ(blocks->shape()[1], info->bytes) << info->name;
    ASSERT_EQ(weights.shape()[1], info->weights) << info->name;
    const Tensor want = weights.copy_f32();
    std::vector<float> got(static_cast<std::size_t>(want.numel()), -7.0F);
    dequantize(info->type, blocks->data, 0, want.numel(), got.data());
    int wrong = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const float w = want.data<float>()[i];
      if (std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(w)) continue;
      if (++wrong <= 3) {
        ADD_FAILURE() << info->name << " weight " << i << " of its blocks: " << got[i] << ", gguf-py has "
                      << w;
      }
    }
    EXPECT_EQ(wrong, 0) << info->name << ": of " << got.size();
    ++checked;
  }
  EXPECT_EQ(checked, 25);
}

TEST(GgmlDequantize, ARunMayBeginAndEndWithinABlock) {
  const SafetensorsReader golden = golden_blocks();
  for (const GgmlType type : {GgmlType::kQ4_0, GgmlType::kQ6_K, GgmlType::kNvfp4, GgmlType::kF16}) {
    const std::string name(type_info(type).name);
    const TensorView& blocks = golden.at(name + ".blocks");
    const Tensor all = golden.at(name + ".weights").copy_f32();
    const std::int64_t n = all.numel();
    for (std::int64_t begin = 0; begin < n; begin += 17) {
      for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{31}, n - begin}) {
        const std::int64_t fits = std::min(count, n - begin);
        std::vector<float> part(static_cast<std::size_t>(fits) + 1, 9.0F);
        dequantize(type, blocks.data, begin, fits, part.data());
        for (std::int64_t i = 0; i < fits; ++i) {
          ASSERT_EQ(part[static_cast<std::size_t>(i)], all.data<float>()[begin + i])
              << name << " from " << begin << ", weight " << i;
        }
        ASSERT_EQ(part.back(), 9.0F) << name << " from " << begin << ": written too far";
      }
    }
  }
}

}  // namespace
}  // namespace lq::ggml
