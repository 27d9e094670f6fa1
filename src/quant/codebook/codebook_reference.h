// The codec that defines the packed format, in plain scalar loops (docs/formats/packed.md says the same in
// words). Everything is f32 with one IEEE rounding per operation; the fast kernels give the same bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "quant/codebook/codebook.h"
#include "quant/codebook/codebook_config.h"

namespace lq {

struct CodebookReferencePacked {
  std::vector<std::uint8_t> codes;
  std::vector<std::uint8_t> scales;
  std::vector<std::uint8_t> scales2;  // little-endian values of the configuration's type
  float offset = 0.0F;
};

// w: n finite values, a matrix flattened row-major. REQUIRES: n >= 1; book has config.bits bits.
CodebookReferencePacked codebook_reference_quantize(const float* w, std::int64_t n,
                                                    const CodebookConfig& config, const Codebook& book);

// out[i] = value of element begin + i, for i < count, of a matrix of n elements.
void codebook_reference_dequantize(const CodebookReferencePacked& packed, std::int64_t n,
                                   const CodebookConfig& config, const Codebook& book, std::int64_t begin,
                                   std::int64_t count, float* out);

// Packs `count` codes of `bits` bits into ceil(count / 64) groups of 8 * bits bytes, and back.
std::vector<std::uint8_t> codebook_reference_pack(const std::uint8_t* codes, std::int64_t count, int bits);
std::uint8_t codebook_reference_unpack_one(const std::uint8_t* packed, std::int64_t index, int bits);

}  // namespace lq
