#include "quant/quantizer.h"

#include <atomic>
#include <cmath>

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
