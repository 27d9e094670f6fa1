// The three codebook formats, "nf", "int" and "lm", in the table of formats: one for each kind of codebook,
// the 648 configurations their parameters. docs/formats/packed.md.
#pragma once

#include "quant/codebook/codebook.h"
#include "quant/codebook/codebook_config.h"
#include "quant/format.h"

namespace lq {

class CodebookFormat final : public QuantFormat {
 public:
  explicit CodebookFormat(CodebookKind kind) : kind_(kind) {}

  std::string_view name() const override { return codebook_kind_name(kind_); }
  std::string_view help() const override;
  bool unnamed() const override { return true; }
  bool searches_scales() const override { return true; }
  bool feeds_back() const override { return true; }
  // "3,8,fp32,64,256"; "3" is what uniform(3) gives.
  std::string parse(std::string_view parameters, std::string_view who) const override;
  std::string uniform(int bits) const override { return to_string(uniform_codebook_config(bits)); }
  // kAll: the paper's 432 configurations and 216 whose codes have 5 and 6 bits. kLean: fp16 second-level
  // scales, narrow first-level ones: 66 of the 432, allocations from which came within 0.4 % of the objective
  // of all at 2.25 to 3.5 bits, for a sixth of the sweep, and 12 of the others, for budgets between 4 and 8.
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

 private:
  CodebookKind kind_;
};

}  // namespace lq
