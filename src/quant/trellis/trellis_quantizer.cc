#include "quant/trellis/trellis_quantizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/cpu/packed_product.h"
#include "base/error.h"
#include "quant/codebook/codebook_quantizer.h"
#include "quant/trellis/tile_coder.h"
#include "quant/trellis/trellis_feedback.h"

namespace lq {
namespace {

// States of this many bits are good enough for paths that only a fit of scales is made of.
constexpr int kDraftStateBits = backends::kMinStateBits;

// Paths of all tiles, each alone, under the stored scales.
void code_tiles(ThreadPool& pool, int state_bits, const float* w, const ErrorWeights& weights,
                TrellisStored& stored, TrellisFit& fit) {
  constexpr std::int64_t kSide = backends::kTrellisSide;
  pool.run(stored.sizes.strips, [&](std::int64_t strip) {
    TileCoder coder(stored.config, state_bits);
    const std::int64_t row = strip * kSide;
    const std::int64_t rows = std::min(kSide, stored.rows - row);
    for (std::int64_t col = 0; col < stored.cols; col += kSide) {
      const TileTarget target{.targets = w + row * stored.cols + col,
                              .stride = stored.cols,
                              .rows = weights.rows == nullptr ? nullptr : weights.rows + row,
                              .cols = weights.cols == nullptr ? nullptr : weights.cols + col};
      coder.code({row, rows, col, std::min(kSide, stored.cols - col)}, target, stored, nullptr, &fit);
    }
  });
}

}  // namespace

TrellisQuantizer::TrellisQuantizer(const TrellisConfig& config, const QuantizerOptions& options)
    : config_(config), options_(options) {
  LQ_CHECK(
      options.feedback != Feedback::kGptq, kInvalidArgument,
      "method gptq: format tcq has feedback between its tiles only; choose another method with feedback");
}

std::shared_ptr<const TrellisStored> TrellisQuantizer::encode(ThreadPool& pool, const float* w,
                                                              std::int64_t rows, std::int64_t cols,
                                                              const ErrorWeights& weights) const {
  auto stored = std::make_shared<TrellisStored>(rows, cols, config_, name());
  store_trellis_scales(trellis_scale_targets(pool, config_, w, rows, cols, weights), *stored);
  const bool fit_twice = options_.scales == ScaleMode::kSearch;
  if (options_.feedback == Feedback::kOn && weights.col_factor != nullptr) {
    if (fit_twice) {
      TrellisFit fit(*stored);
      trellis_feed_back(pool, kDraftStateBits, w, weights, *stored, &fit);
      refit_trellis_scales(fit, *stored);
    }
    trellis_feed_back(pool, config_.state_bits, w, weights, *stored, nullptr);
    return stored;
  }
  if (fit_twice) {
    TrellisFit fit(*stored);
    code_tiles(pool, kDraftStateBits, w, weights, *stored, fit);
    refit_trellis_scales(fit, *stored);
  }
  TrellisFit fit(*stored);
  code_tiles(pool, config_.state_bits, w, weights, *stored, fit);
  refit_trellis_scales(fit, *stored);
  return stored;
}

void TrellisQuantizer::round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                  float* q) const {
  round_trip_weighted(pool, w, rows, cols, q, {});
}

void TrellisQuantizer::round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows,
                                           std::int64_t cols, float* q, const ErrorWeights& weights) const {
  backends::packed_decode(pool, encode(pool, w, rows, cols, weights)->view(), q);
}

PackedMatrix TrellisQuantizer::pack(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                    const ErrorWeights& weights) const {
  return packed_trellis(encode(pool, w, rows, cols, weights));
}

std::string TrellisQuantizer::name() const {
  return fmt::format("tcq {}{}{}", to_string(config_), options_.scales == ScaleMode::kSearch ? " search" : "",
                     options_.feedback == Feedback::kOn ? " feedback" : "");
}

std::unique_ptr<Quantizer> TrellisQuantizer::without_feedback() const {
  QuantizerOptions options = options_;
  options.feedback = Feedback::kOff;
  return std::make_unique<TrellisQuantizer>(config_, options);
}

std::optional<backends::TrellisRounding> TrellisQuantizer::trellis_rounding() const {
  return backends::TrellisRounding{config_.bits, config_.state_bits, config_.block,
                                   options_.scales == ScaleMode::kSearch, options_.feedback == Feedback::kOn};
}

std::unique_ptr<Quantizer> TrellisQuantizer::draft() const {
  const CodebookConfig config{
      .bits = config_.bits, .scale_bits = 4, .scale2 = ScaleDType::kFp16, .block = 32, .block2 = 64};
  return std::make_unique<CodebookQuantizer>(
      config, CodebookQuantizerOptions{.kind = CodebookKind::kLloydMax, .scales = ScaleMode::kSearch});
}

}  // namespace lq
