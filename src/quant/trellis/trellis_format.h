// "tcq": trellis-coded quantization (docs/formats/tcq.md), in the table of formats.
#pragma once

#include "quant/format.h"
#include "quant/trellis/trellis_layout.h"

namespace lq {

// Parameters: bits,L,B, such as "2,12,64": bits of storage a weight (2, 3, 4), bits of a state (10 to 16),
// weights under one scale (32, 64, 128, 256).
class TrellisFormat final : public QuantFormat {
 public:
  std::string_view name() const override { return "tcq"; }
  std::string_view help() const override { return "trellis code"; }
  bool searches_scales() const override { return true; }
  bool feeds_back() const override { return true; }
  int outdoes_below() const override { return kTrellisBits.back(); }  // it has 2, 3 and 4 bits
  // "2,12,64"; "2" is what uniform(2) gives.
  std::string parse(std::string_view parameters, std::string_view who) const override;
  std::string uniform(int bits) const override;
  // L = 12; all widths and blocks.
  std::vector<std::string> choices(ChoiceSet set) const override;
  double bits_per_weight(std::string_view parameters) const override;
  SweepPlace sweep_place(std::string_view parameters) const override;
  std::unique_ptr<Quantizer> quantizer(std::string_view parameters,
                                       const QuantizerOptions& options) const override;
  std::vector<TensorSpec> parts(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                                std::string_view who) const override;
  PackedMatrix open(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                    std::span<const std::span<const std::uint8_t>> bytes, std::string_view who,
                    std::shared_ptr<const void> keep_alive) const override;
};

}  // namespace lq
