#include "quant/quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "kernels/cpu/nf_codec.h"

namespace lq {
namespace {

// The first-level scales that a matrix asks for, before they are rounded.
struct BlockScales {
  BlockScales(ThreadPool& pool, const float* w, std::int64_t n, int block)
      : target(new float[static_cast<std::size_t>((n + block - 1) / block)]),
        offset(kernels::nf_block_absmax(pool, w, n, block, target.get())) {}
  std::unique_ptr<float[]> target;
  float offset;
};

}  // namespace

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
  (void)weights;
  const std::int64_t n = nf_sizes(rows, cols, config_, name()).elements;
  const BlockScales scales(pool, w, n, config_.block);
  kernels::nf_round_trip(pool, nf_format(config_), codebook_of(options_.kind, config_.bits), w, n,
                         scales.target.get(), scales.offset, q);
}

std::string NfQuantizer::name() const {
  return fmt::format("{} {}", codebook_kind_name(options_.kind), to_string(config_));
}

NfMatrix NfQuantizer::quantize(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                               const ErrorWeights& weights) const {
  (void)weights;
  NfMatrix matrix(rows, cols, config_, options_.kind, name());
  const std::int64_t n = matrix.sizes().elements;
  const BlockScales scales(pool, w, n, config_.block);
  kernels::nf_pack(pool, nf_format(config_), codebook_of(options_.kind, config_.bits), w, n,
                   scales.target.get(), scales.offset,
                   {matrix.mutable_codes(), matrix.mutable_scales(), matrix.mutable_scales2()});
  matrix.set_offset(scales.offset);
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
