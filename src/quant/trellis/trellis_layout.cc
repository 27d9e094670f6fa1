#include "quant/trellis/trellis_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "quant/format_text.h"
#include "quant/packed_matrix.h"

namespace lq {
namespace {

using backends::kTrellisSide;

std::int64_t parts_of(std::int64_t count, std::int64_t each) { return (count + each - 1) / each; }

}  // namespace

TrellisConfig parse_trellis_config(std::string_view text, std::string_view who) {
  constexpr std::array<std::string_view, 3> kFields = {"bits", "L (bits of a state)",
                                                       "B (weights under one scale)"};
  std::array<int, 3> numbers = {0, TrellisConfig{}.state_bits, TrellisConfig{}.block};
  std::size_t count = 0;
  for (std::string_view rest = text;; ++count) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = trimmed(rest.substr(0, comma));
    LQ_CHECK(count < numbers.size(), kInvalidArgument,
             "{}: \"{}\" for format tcq, which takes at most bits,L,B such as tcq,2,12,64", who, text);
    const std::optional<int> number = whole_number(part);
    LQ_CHECK(number, kInvalidArgument,
             "{}: \"{}\" for format tcq: {} is \"{}\", but must be a whole number, such as tcq,2 or "
             "tcq,2,12,64",
             who, text, kFields[count], part);
    numbers[count] = *number;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  const TrellisConfig config{numbers[0], numbers[1], numbers[2]};
  const auto check = [&](const auto& choices, int value, std::string_view field) {
    LQ_CHECK(std::find(choices.begin(), choices.end(), value) != choices.end(), kInvalidArgument,
             "{}: \"{}\" for format tcq: {} is {}, but must be one of {}", who, text, field, value,
             fmt::join(choices, ", "));
  };
  check(kTrellisBits, config.bits, kFields[0]);
  LQ_CHECK(config.state_bits >= backends::kMinStateBits && config.state_bits <= backends::kMaxStateBits,
           kInvalidArgument, "{}: \"{}\" for format tcq: {} is {}, but must be from {} to {}", who, text,
           kFields[1], config.state_bits, backends::kMinStateBits, backends::kMaxStateBits);
  check(kTrellisBlocks, config.block, kFields[2]);
  return config;
}

std::string to_string(const TrellisConfig& config) {
  return fmt::format("{},{},{}", config.bits, config.state_bits, config.block);
}

double trellis_bits_per_weight(const TrellisConfig& config) {
  return config.bits + 8.0 / config.block +
         32.0 / (static_cast<double>(config.block) * backends::kTrellisBlocks2);
}

TrellisSizes trellis_sizes(std::int64_t rows, std::int64_t cols, const TrellisConfig& config,
                           std::string_view who) {
  check_packed_shape(rows, cols, who);
  TrellisSizes sizes;
  sizes.strips = parts_of(rows, kTrellisSide);
  sizes.tiles = parts_of(cols, kTrellisSide);
  sizes.blocks = parts_of(cols, config.block);
  sizes.groups = parts_of(rows * sizes.blocks, backends::kTrellisBlocks2);
  sizes.strip_bytes = sizes.tiles * backends::kTrellisTile / 8 * config.bits;
  sizes.codes_bytes = sizes.strips * sizes.strip_bytes;
  sizes.scales_bytes = rows * sizes.blocks;
  return sizes;
}

}  // namespace lq
