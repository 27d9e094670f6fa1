// "int-row": round to nearest, whole numbers under one f32 scale a row (docs/formats/int_row.md). The
// plainest format there is, and the example of how one is added: this pair of files, the CPU's side of its
// layout (backends/cpu/int_row.cc), and a line in the table of formats.cc.
#pragma once

#include "quant/format.h"

namespace lq {

// Parameters: the bits of a code, "2", "3", "4" or "8". Scales in one way, each code alone.
class IntRowFormat final : public QuantFormat {
 public:
  std::string_view name() const override { return "int-row"; }
  std::string_view help() const override { return "whole numbers, one scale a row"; }
  std::string parse(std::string_view parameters, std::string_view who) const override;
  std::string uniform(int bits) const override;
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
