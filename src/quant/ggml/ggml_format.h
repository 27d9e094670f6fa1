// "ggml": blocks of ggml's types, which llama.cpp runs as they are (docs/formats/ggml.md), in the table of
// formats.
#pragma once

#include "quant/format.h"
#include "quant/ggml/block_kind.h"

namespace lq {

inline constexpr std::string_view kGgmlFormat = "ggml";

// Parameters: a type, "q2_k", "q3_k", "iq4_xs", "q4_0", "iq4_nl", "q4_k", "q4_1", "q5_0", "q5_k", "q5_1",
// "q6_k" or "q8_0". In rows that are no multiple of 256 a type of 256 is stored as the type of 32 that takes
// its place (ggml_kind_of).
class GgmlFormat final : public QuantFormat {
 public:
  std::string_view name() const override { return kGgmlFormat; }
  std::string_view help() const override { return "blocks of ggml's types, for llama.cpp"; }
  bool searches_scales() const override { return true; }
  bool feeds_back() const override { return true; }
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

// Of all types that can be chosen: "q4_k", ...
std::vector<std::string> ggml_type_names();

// What a matrix of this shape is stored as. Throws Error(kInvalidArgument) naming `who` where its rows are no
// whole blocks of 32.
const ggml::BlockKind& ggml_kind_of(const ggml::BlockKind& kind, std::int64_t rows, std::int64_t cols,
                                    std::string_view who);
// The type that a choice of this format gives a matrix.
ggml::GgmlType ggml_type_of(std::string_view parameters, std::int64_t rows, std::int64_t cols);

// A matrix of blocks, as parts() has them. REQUIRES: what open() checks.
PackedMatrix ggml_matrix(const ggml::BlockKind& kind, std::int64_t rows, std::int64_t cols,
                         std::span<const std::uint8_t> blocks, std::string_view who,
                         std::shared_ptr<const void> storage);

}  // namespace lq
