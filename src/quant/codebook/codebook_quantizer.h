// Quantization to codes of a codebook with two levels of scales.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "quant/codebook/codebook.h"
#include "quant/codebook/codebook_config.h"
#include "quant/codebook/codebook_matrix.h"
#include "quant/quantizer.h"

namespace lq {

struct CodebookQuantizerOptions {
  CodebookKind kind = CodebookKind::kNormalFloat;
  ScaleMode scales = ScaleMode::kAbsMax;
  Feedback feedback = Feedback::kOff;
};

class CodebookQuantizer final : public Quantizer {
 public:
  // Throws Error(kInvalidArgument) unless config is one of every_codebook_config()'s.
  explicit CodebookQuantizer(const CodebookConfig& config, const CodebookQuantizerOptions& options = {});

  void round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                  float* q) const override;
  void round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols, float* q,
                           const ErrorWeights& weights) const override;
  PackedMatrix pack(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                    const ErrorWeights& weights = {}) const override;
  double bits_per_weight() const override { return codebook_bits_per_weight(config_); }
  std::string name() const override;
  Feedback feedback() const override { return options_.feedback; }
  std::unique_ptr<Quantizer> without_feedback() const override;
  // With Feedback::kOn: the same, without.
  std::unique_ptr<Quantizer> draft() const override;
  // Without feedback, or with Feedback::kOn.
  std::optional<backends::CodebookRounding> codebook_rounding() const override;
  PackedMatrix pack_codes(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                          const std::uint8_t* codes, const ErrorWeights& weights) const override;

  // What pack() packs, before it becomes a matrix of any format.
  CodebookMatrix quantize(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                          const ErrorWeights& weights = {}) const;

  const CodebookConfig& config() const { return config_; }
  const CodebookQuantizerOptions& options() const { return options_; }

 private:
  // With feedback: q (where not null) and the packed matrix (its codes only where `pack`).
  CodebookMatrix feed_back(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                           const ErrorWeights& weights, float* q, bool pack) const;

  CodebookConfig config_;
  CodebookQuantizerOptions options_;
};

}  // namespace lq
