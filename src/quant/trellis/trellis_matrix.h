// A matrix packed in a trellis code.
//
// Layout (docs/formats/tcq.md): four parts,
//   codes    tiles of 16 x 16 elements, strip after strip of 16 rows: 32 * bits bytes a tile
//   scales   one byte for every B columns of a row
//   scales2  one f32 for every 256 of those
//   offset   one f32
// Value of an element with state s in block j of group g: (bytes of (0x83DCD12D s mod 2^32) added up - 510) *
// (offset + scales_j * (scales2_g / 255)).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "backends/packed_view.h"
#include "quant/packed_matrix.h"
#include "quant/trellis/trellis_layout.h"

namespace lq {

// The stored parts of a packed matrix, borrowed, of any alignment.
struct TrellisParts {
  std::span<const std::uint8_t> codes;
  std::span<const std::uint8_t> scales;
  std::span<const std::uint8_t> scales2;
  float offset = 0.0F;
};

// Bytes of its own, for the quantizer to fill.
struct TrellisStored {
  // All zero. Throws Error(kInvalidArgument) naming `who` for an impossible shape.
  TrellisStored(std::int64_t rows, std::int64_t cols, const TrellisConfig& config, std::string_view who);

  backends::PackedView view() const;
  // The first-level scale of a block of the flattened [rows, blocks], and what one step of it is worth.
  float scale(std::int64_t index) const;
  float step(std::int64_t index) const;

  std::int64_t rows, cols;
  TrellisConfig config;
  TrellisSizes sizes;
  std::vector<std::uint8_t> codes, scales;
  std::vector<float> scales2;
  float offset = 0.0F;
};

PackedMatrix packed_trellis(std::shared_ptr<const TrellisStored> stored);

// Borrows the parts, which must stay alive: by the caller, or through `keep_alive`. Throws
// Error(kCorruptFile) naming `who` unless every part has exactly its size, and offset and scales2 are such
// that every value is finite.
PackedMatrix open_trellis(std::int64_t rows, std::int64_t cols, const TrellisConfig& config,
                          const TrellisParts& parts, std::string_view who,
                          std::shared_ptr<const void> keep_alive);

// Most that the offset and each second-level scale may be: products of their sum with values up to 510 stay
// finite.
float trellis_most_scale();

}  // namespace lq
