// Encodes matrices as blocks of one of ggml's types.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "quant/ggml/block_kind.h"
#include "quant/quantizer.h"

namespace lq {

// In rows that are no multiple of 256 weights, the type without super-blocks that takes its place
// (BlockKind::without). Scales: kAbsMax: the range of each block; kSearch: the least weighted error, without
// weights by the weights' own magnitudes. Feedback: kOn (quant/ggml/block_feedback.h); kGptq is refused.
class GgmlQuantizer final : public Quantizer {
 public:
  // Throws Error(kInvalidArgument) for Feedback::kGptq.
  GgmlQuantizer(const ggml::BlockKind& kind, const QuantizerOptions& options);

  void round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                  float* q) const override;
  void round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols, float* q,
                           const ErrorWeights& weights) const override;
  PackedMatrix pack(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                    const ErrorWeights& weights = {}) const override;
  double bits_per_weight() const override { return ggml::type_info(kind_.type).bits_per_weight(); }
  std::string name() const override;
  Feedback feedback() const override { return options_.feedback; }
  std::unique_ptr<Quantizer> without_feedback() const override;

 private:
  std::vector<std::uint8_t> encode(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                   const ErrorWeights& weights) const;

  const ggml::BlockKind& kind_;
  QuantizerOptions options_;
};

}  // namespace lq
