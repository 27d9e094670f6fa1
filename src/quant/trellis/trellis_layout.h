// Parameters of the trellis format and the sizes of its parts.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "backends/trellis_view.h"

namespace lq {

struct TrellisConfig {
  int bits = 2;         // of storage a weight: 2, 3, 4
  int state_bits = 12;  // L: 10 to 16
  int block = 64;       // columns of a row that share a scale: 32, 64, 128, 256

  bool operator==(const TrellisConfig&) const = default;
};

inline constexpr std::array kTrellisBits = {2, 3, 4};
inline constexpr std::array kTrellisBlocks = {32, 64, 128, 256};

// "2,12,64"; "2" and "2,12" leave the rest to the defaults. Throws Error(kInvalidArgument) starting with
// `who`, naming text, field and choices.
TrellisConfig parse_trellis_config(std::string_view text, std::string_view who);
// All three: "2,12,64".
std::string to_string(const TrellisConfig& config);

// bits + 8 / block + 32 / (256 block): of a matrix without short blocks or tiles, its offset not counted.
double trellis_bits_per_weight(const TrellisConfig& config);

struct TrellisSizes {
  std::int64_t strips = 0;  // rows of tiles
  std::int64_t tiles = 0;   // in a strip
  std::int64_t blocks = 0;  // first-level scales in a row
  std::int64_t groups = 0;  // second-level scales
  std::int64_t strip_bytes = 0;
  std::int64_t codes_bytes = 0;
  std::int64_t scales_bytes = 0;
};

// Throws Error(kInvalidArgument) naming `who` unless rows, cols >= 1 and rows * cols <= kMostElements.
TrellisSizes trellis_sizes(std::int64_t rows, std::int64_t cols, const TrellisConfig& config,
                           std::string_view who);

}  // namespace lq
