// Quantization to a trellis code.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "quant/quantizer.h"
#include "quant/trellis/trellis_matrix.h"

namespace lq {

// Scales are those that weights ask for (trellis_scale_targets). ScaleMode::kAbsMax: fitted once to the paths
// found under them, where codes are chosen without feedback. kSearch: fitted before, to paths of states of 10
// bits, and again after; a quarter more work. Feedback::kOn goes from tile to tile (trellis_feedback.h),
// where the weights have a factor of the columns.
class TrellisQuantizer final : public Quantizer {
 public:
  // Throws Error(kInvalidArgument) for Feedback::kGptq.
  TrellisQuantizer(const TrellisConfig& config, const QuantizerOptions& options);

  void round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                  float* q) const override;
  void round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols, float* q,
                           const ErrorWeights& weights) const override;
  PackedMatrix pack(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                    const ErrorWeights& weights = {}) const override;
  double bits_per_weight() const override { return trellis_bits_per_weight(config_); }
  std::string name() const override;
  Feedback feedback() const override { return options_.feedback; }
  std::unique_ptr<Quantizer> without_feedback() const override;
  std::optional<backends::TrellisRounding> trellis_rounding() const override;
  // Lloyd-Max codes of as many bits.
  std::unique_ptr<Quantizer> draft() const override;

 private:
  std::shared_ptr<const TrellisStored> encode(ThreadPool& pool, const float* w, std::int64_t rows,
                                              std::int64_t cols, const ErrorWeights& weights) const;

  TrellisConfig config_;
  QuantizerOptions options_;
};

}  // namespace lq
