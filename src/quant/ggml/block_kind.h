// The types of ggml that this program encodes, as data: what a block's weights may become.
//   value = step * v(code) - base
// where v(code) is code - zero, or the code's place in IQ4's table; step and base belong to a sub-block. In
// blocks of 32 there is one sub-block, and step and base are the block's two f16 numbers; in super-blocks of
// 256 they are whole numbers times those.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "quant/ggml/ggml_type.h"

namespace lq::ggml {

inline constexpr int kMostWeights = 256;   // of a block
inline constexpr int kMostSubBlocks = 16;  // of a block

struct BlockKind {
  GgmlType type = GgmlType::kQ4_0;
  std::string_view parameters;  // on disk and on the command line: "q4_k"
  int weights = 32;             // of a block
  int sub = 32;                 // weights of a sub-block
  bool least = false;           // there is a base; else it is 0
  int codes = 16;
  int zero = 0;                        // the code of 0, where codes are evenly spaced
  bool table = false;                  // v(code) is IQ4's
  int scale_low = 0, scale_high = 0;   // of the whole numbers; both 0: none
  GgmlType without = GgmlType::kQ4_0;  // takes its place where rows are no multiple of 256
  bool whole_numbers() const { return scale_high != 0; }
  int subs() const { return weights / sub; }
  float value(int code) const;
  // The code whose v is nearest to x.
  int nearest(float x) const;
  // Largest |v|.
  float reach() const;
};

std::span<const BlockKind> block_kinds();
// REQUIRES: one of them.
const BlockKind& block_kind(GgmlType type);
// The same, or what takes its place in rows of so many weights; null where they are no whole blocks of 32.
const BlockKind* fitting_kind(const BlockKind& kind, std::int64_t cols);

// A block's scales as they are stored, and what they make of each sub-block.
struct BlockScales {
  float d = 0.0F, m = 0.0F;  // f16 numbers
  std::array<int, kMostSubBlocks> scale{}, least{};
  std::array<float, kMostSubBlocks> step{}, base{};

  // Rounds d and m to f16 (at most its largest) and fills step and base.
  void restore(const BlockKind& kind);
};

// Writes a block's bytes: the other way than block_decoders.h. codes: [weights].
void put_block(const BlockKind& kind, const BlockScales& scales, const std::uint8_t* codes,
               std::uint8_t* out);

}  // namespace lq::ggml
