// Runs of whole blocks of ggml's types (docs/formats/ggml.md): SIMD versions, chosen at run time, of the
// decoders that quant/ggml/block_decoders.h defines; equal to them bit for bit on every target.
#pragma once

#include <cstdint>

namespace lq::backends {

// The types that have such a version: those of which models are made most.
enum class GgmlBlocks : std::uint8_t {
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kIq4Nl,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIq4Xs
};

// out = the weights of `blocks` blocks, one after the other, in this thread. x: of any alignment; nothing is
// read beyond the last block.
void decode_ggml_blocks(GgmlBlocks type, const std::uint8_t* x, std::int64_t blocks, float* out);

}  // namespace lq::backends
