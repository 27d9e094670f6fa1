#include "quant/ggml/plain_encode.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/float16.h"

namespace lq::ggml {
namespace {

constexpr std::int64_t kQ8Weights = 32;
constexpr std::int64_t kQ8Bytes = 34;

double squared(double x) { return x * x; }

// One block of 32; returns its squared error.
double encode_q8_0(const float* x, std::byte* out) {
  float most = 0.0F;
  for (std::int64_t i = 0; i < kQ8Weights; ++i) most = std::max(most, std::abs(x[i]));
  const float scale = most / 127.0F;
  const float inverse = scale == 0.0F ? 0.0F : 1.0F / scale;
  const f16 stored = to_f16(scale);
  const float value = to_float(stored);
  std::memcpy(out, &stored.bits, sizeof(stored.bits));
  double error = std::isfinite(value) ? 0.0 : std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < kQ8Weights; ++i) {
    const auto code = static_cast<std::int8_t>(std::clamp(std::round(x[i] * inverse), -127.0F, 127.0F));
    out[2 + i] = static_cast<std::byte>(code);
    if (std::isfinite(value)) error += squared(double{x[i]} - double{value} * code);
  }
  return error;
}

template <typename Half, typename Convert>
double encode_half(const float* x, std::int64_t count, std::byte* out, const Convert& convert) {
  double error = 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    const Half half = convert(x[i]);
    std::memcpy(out + 2 * i, &half.bits, sizeof(half.bits));
    error += squared(double{x[i]} - double{to_float(half)});
  }
  return error;
}

}  // namespace

bool is_plain(GgmlType type) {
  return type == GgmlType::kF32 || type == GgmlType::kF16 || type == GgmlType::kBf16 ||
         type == GgmlType::kQ8_0;
}

double encode_plain(GgmlType type, const float* x, std::int64_t count, std::byte* out) {
  LQ_ASSERT(is_plain(type));
  switch (type) {
    case GgmlType::kF16:
      return encode_half<f16>(x, count, out, [](float v) { return to_f16(v); });
    case GgmlType::kBf16:
      return encode_half<bf16>(x, count, out, [](float v) { return to_bf16(v); });
    case GgmlType::kQ8_0: {
      double error = 0.0;
      for (std::int64_t block = 0; block < count / kQ8Weights; ++block) {
        error += encode_q8_0(x + block * kQ8Weights, out + block * kQ8Bytes);
      }
      return error;
    }
    default:
      std::memcpy(out, x, static_cast<std::size_t>(count) * sizeof(float));
      return 0.0;
  }
}

}  // namespace lq::ggml
