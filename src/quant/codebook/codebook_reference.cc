#include "quant/codebook/codebook_reference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/float16.h"
#include "quant/codebook/codebook_layout.h"

namespace lq {
namespace {

constexpr float kMax = std::numeric_limits<float>::max();

// Rounds a finite x >= 0 to the type of a second-level scale, at most its largest finite value.
std::uint32_t scale2_bits(float x, ScaleDType dtype) {
  switch (dtype) {
    case ScaleDType::kBf16:
      return std::min<std::uint32_t>(to_bf16(x).bits, 0x7f7fU);
    case ScaleDType::kFp16:
      return std::min<std::uint32_t>(to_f16(x).bits, 0x7bffU);
    case ScaleDType::kFp32:
      break;
  }
  return std::bit_cast<std::uint32_t>(x);
}

float scale2_value(std::uint32_t bits, ScaleDType dtype) {
  switch (dtype) {
    case ScaleDType::kBf16:
      return to_float(bf16{static_cast<std::uint16_t>(bits)});
    case ScaleDType::kFp16:
      return to_float(f16{static_cast<std::uint16_t>(bits)});
    case ScaleDType::kFp32:
      break;
  }
  return std::bit_cast<float>(bits);
}

float restored_scale(float offset, std::uint8_t u, float scale2, int scale_bits) {
  const float levels = static_cast<float>((1 << scale_bits) - 1);
  const float step = scale2 / levels;
  const float product = static_cast<float>(u) * step;
  const float sum = offset + product;
  return std::min(sum, kMax);
}

std::uint8_t scale_code(float t, float scale2, int scale_bits) {
  if (scale2 == 0.0F) return 0;
  const float levels = static_cast<float>((1 << scale_bits) - 1);
  const float ratio = t / scale2;
  const float scaled = ratio * levels;
  return static_cast<std::uint8_t>(std::nearbyint(std::min(scaled, levels)));
}

std::uint8_t nearest_code(float w, float scale, const Codebook& book) {
  if (scale == 0.0F) return static_cast<std::uint8_t>(book.zero);
  const float x = w / scale;
  int code = 0;
  for (int k = 0; k < (1 << book.bits) - 1; ++k) code += x > book.midpoints[k] ? 1 : 0;
  return static_cast<std::uint8_t>(code);
}

}  // namespace

std::vector<std::uint8_t> codebook_reference_pack(const std::uint8_t* codes, std::int64_t count, int bits) {
  const std::int64_t groups = (count + 63) / 64;
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(groups * 8 * bits), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint8_t* group = packed.data() + i / 64 * 8 * bits;
    const int j = static_cast<int>(i % 64);
    const unsigned code = codes[i];
    if (bits == 8) {
      group[j] = static_cast<std::uint8_t>(code);
    } else if (bits >= 4) {
      group[j % 32] = static_cast<std::uint8_t>(group[j % 32] | (code & 15U) << (j / 32 * 4));
      if (bits == 5) group[32 + j / 8] = static_cast<std::uint8_t>(group[32 + j / 8] | code >> 4 << (j % 8));
      if (bits == 6) {
        group[32 + j % 16] = static_cast<std::uint8_t>(group[32 + j % 16] | code >> 4 << (j / 16 * 2));
      }
    } else {
      group[j % 16] = static_cast<std::uint8_t>(group[j % 16] | (code & 3U) << (j / 16 * 2));
      if (bits == 3) group[16 + j / 8] = static_cast<std::uint8_t>(group[16 + j / 8] | code >> 2 << (j % 8));
    }
  }
  return packed;
}

std::uint8_t codebook_reference_unpack_one(const std::uint8_t* packed, std::int64_t index, int bits) {
  const std::uint8_t* group = packed + index / 64 * 8 * bits;
  const int j = static_cast<int>(index % 64);
  if (bits == 8) return group[j];
  if (bits >= 4) {
    unsigned code = group[j % 32] >> (j / 32 * 4) & 15U;
    if (bits == 5) code |= (group[32 + j / 8] >> (j % 8) & 1U) << 4;
    if (bits == 6) code |= (group[32 + j % 16] >> (j / 16 * 2) & 3U) << 4;
    return static_cast<std::uint8_t>(code);
  }
  unsigned code = group[j % 16] >> (j / 16 * 2) & 3U;
  if (bits == 3) code |= (group[16 + j / 8] >> (j % 8) & 1U) << 2;
  return static_cast<std::uint8_t>(code);
}

CodebookReferencePacked codebook_reference_quantize(const float* w, std::int64_t n,
                                                    const CodebookConfig& config, const Codebook& book) {
  const std::int64_t blocks = (n + config.block - 1) / config.block;
  std::vector<float> s(static_cast<std::size_t>(blocks), 0.0F);
  for (std::int64_t i = 0; i < n; ++i) {
    float& absmax = s[static_cast<std::size_t>(i / config.block)];
    absmax = std::max(absmax, std::abs(w[i]));
  }
  CodebookReferencePacked packed;
  packed.offset = *std::min_element(s.begin(), s.end());

  std::vector<std::uint8_t> scale_codes(s.size());
  for (std::int64_t first = 0; first < blocks; first += config.block2) {
    const std::int64_t last = std::min(blocks, first + config.block2);
    float largest = 0.0F;
    for (std::int64_t j = first; j < last; ++j) {
      largest = std::max(largest, s[static_cast<std::size_t>(j)] - packed.offset);
    }
    const std::uint32_t stored = scale2_bits(largest, config.scale2);
    for (int byte = 0; byte < scale_dtype_size(config.scale2); ++byte) {
      packed.scales2.push_back(static_cast<std::uint8_t>(stored >> (8 * byte)));
    }
    const float scale2 = scale2_value(stored, config.scale2);
    for (std::int64_t j = first; j < last; ++j) {
      const float t = s[static_cast<std::size_t>(j)] - packed.offset;
      const std::uint8_t u = scale_code(t, scale2, config.scale_bits);
      scale_codes[static_cast<std::size_t>(j)] = u;
      s[static_cast<std::size_t>(j)] = restored_scale(packed.offset, u, scale2, config.scale_bits);
    }
  }

  std::vector<std::uint8_t> codes(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    codes[static_cast<std::size_t>(i)] =
        nearest_code(w[i], s[static_cast<std::size_t>(i / config.block)], book);
  }
  packed.codes = codebook_reference_pack(codes.data(), n, config.bits);
  packed.scales = codebook_reference_pack(scale_codes.data(), blocks, config.scale_bits);
  return packed;
}

void codebook_reference_dequantize(const CodebookReferencePacked& packed, std::int64_t n,
                                   const CodebookConfig& config, const Codebook& book, std::int64_t begin,
                                   std::int64_t count, float* out) {
  LQ_ASSERT(begin >= 0 && count >= 0 && begin + count <= n);
  (void)n;
  for (std::int64_t i = begin; i < begin + count; ++i) {
    const std::int64_t block = i / config.block;
    const int size = scale_dtype_size(config.scale2);
    std::uint32_t stored = 0;
    for (int byte = 0; byte < size; ++byte) {
      stored |= std::uint32_t{packed.scales2[static_cast<std::size_t>(block / config.block2 * size + byte)]}
                << (8 * byte);
    }
    const std::uint8_t u = codebook_reference_unpack_one(packed.scales.data(), block, config.scale_bits);
    const float scale =
        restored_scale(packed.offset, u, scale2_value(stored, config.scale2), config.scale_bits);
    out[i - begin] = book.values[codebook_reference_unpack_one(packed.codes.data(), i, config.bits)] * scale;
  }
}

}  // namespace lq
