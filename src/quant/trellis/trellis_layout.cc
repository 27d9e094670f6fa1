#include "quant/trellis/trellis_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace lq {
namespace {

using backends::kTrellisSide;

constexpr std::int64_t kMaxTrellisElements = std::int64_t{1} << 42;

std::int64_t parts_of(std::int64_t count, std::int64_t each) { return (count + each - 1) / each; }

std::string_view without_blanks(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

}  // namespace

TrellisConfig parse_trellis_config(std::string_view text, std::string_view who) {
  constexpr std::array<std::string_view, 3> kFields = {"bits", "L (bits of a state)",
                                                       "B (weights under one scale)"};
  std::array<int, 3> numbers = {0, TrellisConfig{}.state_bits, TrellisConfig{}.block};
  std::size_t count = 0;
  for (std::string_view rest = text;; ++count) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = without_blanks(rest.substr(0, comma));
    LQ_CHECK(count < numbers.size(), kInvalidArgument,
             "{}: \"{}\" for format tcq, which takes at most bits,L,B such as tcq,2,12,64", who, text);
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), numbers[count]);
    LQ_CHECK(error == std::errc() && stop == part.data() + part.size(), kInvalidArgument,
             "{}: \"{}\" for format tcq: {} is \"{}\", but must be a whole number, such as tcq,2 or "
             "tcq,2,12,64",
             who, text, kFields[count], part);
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
  LQ_CHECK(rows >= 1 && cols >= 1 && rows <= kMaxTrellisElements / cols, kInvalidArgument,
           "{}: shape [{}, {}], but a packed matrix has between 1 and 2^42 elements", who, rows, cols);
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
