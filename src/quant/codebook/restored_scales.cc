#include "quant/codebook/restored_scales.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/float16.h"
#include "quant/codebook/codebook_reference.h"

namespace lq {
namespace {

float second_level(const CodebookMatrix& m, std::int64_t group) {
  const std::uint8_t* from = m.parts().scales2.data() + group * scale_dtype_size(m.config().scale2);
  if (m.config().scale2 == ScaleDType::kFp32) {
    float value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return m.config().scale2 == ScaleDType::kBf16 ? to_float(bf16{bits}) : to_float(f16{bits});
}

}  // namespace

RestoredScales restored_scales(const CodebookMatrix& m) {
  const CodebookConfig& config = m.config();
  const std::int64_t blocks = m.sizes().blocks;
  const auto levels = static_cast<float>((1 << config.scale_bits) - 1);
  RestoredScales out;
  out.steps.reserve(static_cast<std::size_t>(blocks));
  out.scales.reserve(static_cast<std::size_t>(blocks));
  for (std::int64_t j = 0; j < blocks; ++j) {
    const float step = second_level(m, j / config.block2) / levels;
    const std::uint8_t u = codebook_reference_unpack_one(m.parts().scales.data(), j, config.scale_bits);
    const float product = static_cast<float>(u) * step;
    const float sum = m.parts().offset + product;
    out.steps.push_back(step);
    out.scales.push_back(std::min(sum, std::numeric_limits<float>::max()));
  }
  return out;
}

}  // namespace lq
