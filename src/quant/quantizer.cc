#include "quant/quantizer.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/error.h"

namespace lq {

void Quantizer::round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                    float* q, const ErrorWeights& /*weights*/) const {
  round_trip(pool, w, rows, cols, q);
}

PackedMatrix Quantizer::pack(ThreadPool& /*pool*/, const float* /*w*/, std::int64_t /*rows*/,
                             std::int64_t /*cols*/, const ErrorWeights& /*weights*/) const {
  fail(ErrorCode::kUnsupported, "quantizer {} has no stored form", name());
}

PackedMatrix Quantizer::pack_codes(ThreadPool& /*pool*/, const float* /*w*/, std::int64_t /*rows*/,
                                   std::int64_t /*cols*/, const std::uint8_t* /*codes*/,
                                   const ErrorWeights& /*weights*/) const {
  fail(ErrorCode::kInternal, "quantizer {} has no codes of a codebook", name());
}

std::unique_ptr<Quantizer> Quantizer::without_feedback() const {
  fail(ErrorCode::kInternal, "quantizer {} has no feedback", name());
}

void require_finite(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                    std::string_view name) {
  const std::int64_t n = rows * cols;
  std::atomic<std::int64_t> first{n};
  std::atomic<std::uint32_t> largest{0};
  parallel_for(pool, n, 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    // Bits without the sign are in the order of magnitudes, infinity and NaN at the end: one pass without
    // branches.
    std::uint32_t most = 0;
    for (std::int64_t i = begin; i < end; ++i)
      most = std::max(most, std::bit_cast<std::uint32_t>(w[i]) & 0x7fffffffU);
    std::uint32_t so_far = largest.load();
    while (most > so_far && !largest.compare_exchange_weak(so_far, most)) {
    }
    if (most < 0x7f800000U) return;
    std::int64_t i = begin;
    while (std::isfinite(w[i])) ++i;
    std::int64_t known = first.load();
    while (i < known && !first.compare_exchange_weak(known, i)) {
    }
  });
  const std::int64_t i = first.load();
  LQ_CHECK(i == n, kInvalidArgument, "{}: element [{}, {}] is {}, but a weight must be finite", name,
           i / cols, i % cols, w[i]);
  const float magnitude = std::bit_cast<float>(largest.load());
  LQ_CHECK(magnitude == 0.0F || (magnitude >= kLeastMagnitude && magnitude <= kMostMagnitude),
           kInvalidArgument,
           "{}: the largest magnitude is {:.3g}, but errors can be measured between {:.0e} and {:.0e} only: "
           "scale the matrix, or leave it out",
           name, magnitude, kLeastMagnitude, kMostMagnitude);
}

}  // namespace lq
