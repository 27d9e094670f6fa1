#include "quant/quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/error.h"
#include "quant/nf_reference.h"

namespace lq {

void Quantizer::round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                    float* q, const ErrorWeights& /*weights*/) const {
  round_trip(pool, w, rows, cols, q);
}

NfQuantizer::NfQuantizer(const NfConfig& config, const NfQuantizerOptions& options)
    : config_(config), options_(options) {
  check_nf_config(config, "quantizer");
}

void NfQuantizer::round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                             float* q) const {
  round_trip_weighted(pool, w, rows, cols, q, {});
}

void NfQuantizer::round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                      float* q, const ErrorWeights& weights) const {
  quantize(pool, w, rows, cols, weights).dequantize(pool, q);
}

std::string NfQuantizer::name() const {
  return fmt::format("{} {}", codebook_kind_name(options_.kind), to_string(config_));
}

NfMatrix NfQuantizer::quantize(ThreadPool& /*pool*/, const float* w, std::int64_t rows, std::int64_t cols,
                               const ErrorWeights& /*weights*/) const {
  NfMatrix matrix(rows, cols, config_, options_.kind);
  const NfReferencePacked packed =
      nf_reference_quantize(w, rows * cols, config_, codebook_of(options_.kind, config_.bits));
  std::copy(packed.codes.begin(), packed.codes.end(), matrix.mutable_codes());
  std::copy(packed.scales.begin(), packed.scales.end(), matrix.mutable_scales());
  std::copy(packed.scales2.begin(), packed.scales2.end(), matrix.mutable_scales2());
  matrix.set_offset(packed.offset);
  return matrix;
}

void require_finite(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                    std::string_view name) {
  const std::int64_t n = rows * cols;
  std::atomic<std::int64_t> first{n};
  parallel_for(pool, n, 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    float sum = 0.0F;  // x * 0 is 0 for finite x and NaN otherwise: one pass without branches
    for (std::int64_t i = begin; i < end; ++i) sum += w[i] * 0.0F;
    if (sum == 0.0F) return;
    std::int64_t i = begin;
    while (std::isfinite(w[i])) ++i;
    std::int64_t known = first.load();
    while (i < known && !first.compare_exchange_weak(known, i)) {
    }
  });
  const std::int64_t i = first.load();
  LQ_CHECK(i == n, kInvalidArgument, "{}: element [{}, {}] is {}, but a weight must be finite", name,
           i / cols, i % cols, w[i]);
}

}  // namespace lq
