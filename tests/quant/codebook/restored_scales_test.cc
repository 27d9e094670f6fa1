#include "quant/codebook/restored_scales.h"

#include <gtest/gtest.h>

#include "quant/codebook/codebook_quantizer.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

// A decoded value is its code's value times the scale of its block.
TEST(RestoredScales, AreThoseOfTheDecodedMatrix) {
  ThreadPool pool(2);
  constexpr std::int64_t kRows = 13, kCols = 101;  // blocks cross rows, the last one is short
  const auto w = reference::normal_matrix(kRows, kCols, 5);
  for (const char* text : {"2,8,fp32,64,256", "3,2,bf16,16,16", "4,3,fp16,32,64", "8,4,fp32,64,64"}) {
    const CodebookConfig config = parse_codebook_config(text);
    const auto matrix = CodebookQuantizer(config).quantize(pool, w.data(), kRows, kCols);
    const RestoredScales restored = restored_scales(matrix);
    const std::int64_t blocks = (kRows * kCols + config.block - 1) / config.block;
    ASSERT_EQ(std::ssize(restored.scales), blocks) << text;
    ASSERT_EQ(std::ssize(restored.steps), blocks);
    std::vector<float> decoded(w.size());
    matrix.dequantize(pool, decoded.data());
    const Codebook& book = codebook_of(CodebookKind::kNormalFloat, config.bits);
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      const float scale = restored.scales[i / static_cast<std::size_t>(config.block)];
      bool found = false;
      for (int code = 0; code < 1 << config.bits; ++code)
        found = found || book.values[code] * scale == decoded[i];
      ASSERT_TRUE(found) << text << ": element " << i << " is " << decoded[i] << ", its block's scale "
                         << scale;
    }
    for (const float step : restored.steps) ASSERT_GE(step, 0.0F);
  }
}

}  // namespace
}  // namespace lq
