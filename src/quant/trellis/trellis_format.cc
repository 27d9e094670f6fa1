#include "quant/trellis/trellis_format.h"

#include <cstring>
#include <utility>

#include "base/error.h"
#include "quant/trellis/trellis_matrix.h"
#include "quant/trellis/trellis_quantizer.h"

namespace lq {
namespace {

TrellisConfig config_of(std::string_view parameters) { return parse_trellis_config(parameters, "tcq"); }

}  // namespace

std::string TrellisFormat::parse(std::string_view parameters, std::string_view who) const {
  return to_string(parse_trellis_config(parameters, who));
}

std::string TrellisFormat::uniform(int bits) const {
  return parse(std::to_string(bits), "uniform configuration");
}

std::vector<std::string> TrellisFormat::choices(ChoiceSet set) const {
  std::vector<std::string> choices;
  for (const int bits : kTrellisBits) {
    for (const int block : kTrellisBlocks) {
      const TrellisConfig config{.bits = bits, .block = block};
      if (set == ChoiceSet::kAll || config.block == TrellisConfig{}.block)
        choices.push_back(to_string(config));
    }
  }
  return choices;
}

double TrellisFormat::bits_per_weight(std::string_view parameters) const {
  return trellis_bits_per_weight(config_of(parameters));
}

SweepPlace TrellisFormat::sweep_place(std::string_view parameters) const {
  const TrellisConfig c = config_of(parameters);
  return {.order = {-c.bits, c.block, -c.state_bits},
          .group = {c.bits},
          .anchor = {c.bits},
          .curve = {c.bits},
          .grid = {c.bits},
          .alone = false,
          .width = c.bits};
}

std::unique_ptr<Quantizer> TrellisFormat::quantizer(std::string_view parameters,
                                                    const QuantizerOptions& options) const {
  return std::make_unique<TrellisQuantizer>(config_of(parameters), options);
}

std::vector<TensorSpec> TrellisFormat::parts(std::string_view parameters, std::int64_t rows,
                                             std::int64_t cols, std::string_view who) const {
  const TrellisSizes sizes = trellis_sizes(rows, cols, config_of(parameters), who);
  return {{"codes", DType::kU8, {sizes.strips, sizes.strip_bytes}},
          {"scales", DType::kU8, {rows, sizes.blocks}},
          {"scales2", DType::kF32, {sizes.groups}},
          {"offset", DType::kF32, {1}}};
}

PackedMatrix TrellisFormat::open(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                                 std::span<const std::span<const std::uint8_t>> bytes, std::string_view who,
                                 std::shared_ptr<const void> keep_alive) const {
  TrellisParts parts{.codes = bytes[0], .scales = bytes[1], .scales2 = bytes[2]};
  LQ_CHECK(bytes[3].size() == sizeof(parts.offset), kCorruptFile, "{}: offset has {} bytes, but must have 4",
           who, bytes[3].size());
  std::memcpy(&parts.offset, bytes[3].data(), sizeof(parts.offset));
  return open_trellis(rows, cols, config_of(parameters), parts, who, std::move(keep_alive));
}

}  // namespace lq
