#include "quant/codebook/codebook.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "backends/cpu/int8_gemv.h"
#include "base/error.h"

namespace lq {
namespace {

constexpr double kDelta = 0.9677083;  // bitsandbytes' constant, kept by LQ-LoRA

std::vector<double> normal_float_values(int bits) {
  const int half = 1 << (bits - 1);
  const double top = upper_normal_quantile(kDelta);
  std::vector<double> values;
  const double left = (kDelta - 0.5) / (half - 1);
  for (int k = half - 1; k > 0; --k) values.push_back(-upper_normal_quantile(0.5 + k * left) / top);
  const double right = (kDelta - 0.5) / half;
  for (int k = 0; k <= half; ++k) values.push_back(upper_normal_quantile(0.5 + k * right) / top);
  return values;
}

std::vector<double> uniform_values(int bits) {
  const int half = 1 << (bits - 1);
  std::vector<double> values;
  for (int k = -half; k < half; ++k) values.push_back(static_cast<double>(k) / (half - 1));
  return values;
}

std::vector<double> symmetric_values(int bits) {
  const std::vector<double> half = lloyd_max_values(1 << (bits - 1));
  std::vector<double> values;
  for (auto v = half.rbegin(); v != half.rend(); ++v) values.push_back(-*v / half.back());
  for (const double v : half) values.push_back(v / half.back());
  return values;
}

std::vector<double> values_of(CodebookKind kind, int bits) {
  switch (kind) {
    case CodebookKind::kNormalFloat:
      return normal_float_values(bits);
    case CodebookKind::kUniformInt:
      return uniform_values(bits);
    case CodebookKind::kLloydMax:
      break;
  }
  return symmetric_values(bits);
}

int cell_of(float x) {
  const float scaled = x * 512.0F;
  const float cell = scaled + 520.0F;
  return static_cast<int>(std::clamp(cell, 0.0F, static_cast<float>(backends::kNfCells - 1)));
}

Codebook build(CodebookKind kind, int bits) {
  const std::vector<double> values = values_of(kind, bits);
  Codebook book{};
  book.bits = bits;
  for (std::size_t k = 0; k < values.size(); ++k) book.values[k] = static_cast<float>(values[k]);
  std::array<float, backends::kNfCells> midpoint;
  midpoint.fill(std::numeric_limits<float>::infinity());
  std::array<std::uint32_t, backends::kNfCells> below{};
  for (std::size_t k = 0; k + 1 < values.size(); ++k) {
    const float sum = book.values[k] + book.values[k + 1];
    book.midpoints[k] = sum * 0.5F;
    const auto home = static_cast<std::size_t>(cell_of(book.midpoints[k]));
    LQ_CHECK(std::isinf(midpoint[home]), kInternal, "two midpoints of a codebook share cell {}", home);
    midpoint[home] = book.midpoints[k];
    for (std::size_t cell = home + 1; cell < below.size(); ++cell)
      below[cell] = static_cast<std::uint32_t>(k + 1);
  }
  book.zero = static_cast<int>(
      std::count_if(book.midpoints, book.midpoints + (values.size() - 1), [](float m) { return 0.0F > m; }));
  for (std::size_t cell = 0; cell < below.size(); ++cell) {
    book.cells[cell] = std::bit_cast<std::uint32_t>(midpoint[cell]) | std::uint64_t{below[cell]} << 32;
    const float low = book.values[below[cell]];
    book.nearest[cell][0] = midpoint[cell];
    book.nearest[cell][1] = low;
    book.nearest[cell][2] = std::isinf(midpoint[cell]) ? low : book.values[below[cell] + 1];
  }
  if (bits <= 4) book.gemv_levels = backends::nf_gemv_levels(book.values, bits);
  return book;
}

constexpr std::array kKinds = {CodebookKind::kNormalFloat, CodebookKind::kUniformInt,
                               CodebookKind::kLloydMax};
constexpr std::array<std::string_view, kKinds.size()> kNames = {"nf", "int", "lm"};
using AllCodebooks = std::array<std::array<Codebook, kCodeWidths.size()>, kKinds.size()>;

AllCodebooks build_all() {
  AllCodebooks all;
  for (std::size_t k = 0; k < kKinds.size(); ++k) {
    for (std::size_t i = 0; i < kCodeWidths.size(); ++i) all[k][i] = build(kKinds[k], kCodeWidths[i]);
  }
  return all;
}

double normal_density(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi); }
double normal_upper_tail(double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); }

}  // namespace

double upper_normal_quantile(double p) {
  LQ_ASSERT(p >= 0.5 && p < 1.0);
  // The CDF is concave here, so Newton's steps from 0 approach the root from below and cannot pass it.
  double x = 0.0;
  for (int i = 0; i < 100; ++i) {
    const double step = (p - normal_upper_tail(-x)) / normal_density(x);
    if (std::abs(step) <= 1e-16 * x || p == 0.5) break;
    x += step;
  }
  return x;
}

std::vector<double> lloyd_max_values(int half) {
  // Start: quantiles of the density that is best for many values, the cube root of the normal one.
  std::vector<double> v;
  for (int k = 0; k < half; ++k)
    v.push_back(std::sqrt(3.0) * upper_normal_quantile(0.5 + (k + 0.5) / (2.0 * half)));
  // Newton's method on v[k] = mean of N(0, 1) between the midpoints t[k] and t[k + 1] round v[k]. The mean
  // depends on its neighbours only: the system is tridiagonal.
  const std::size_t n = v.size();
  std::vector<double> below(n), diagonal(n), above(n), residual(n);
  for (int iteration = 0; iteration < 12; ++iteration) {
    double density = normal_density(0.0);  // at t[k]
    double tail = 0.5;
    double t = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
      const bool last = k + 1 == n;
      const double next = last ? 0.0 : 0.5 * (v[k] + v[k + 1]);  // the last interval has no end
      const double next_density = last ? 0.0 : normal_density(next);
      const double next_tail = last ? 0.0 : normal_upper_tail(next);
      const double mass = tail - next_tail;
      const double mean = (density - next_density) / mass;
      below[k] = k == 0 ? 0.0 : -0.5 * density * (mean - t) / mass;
      above[k] = -0.5 * next_density * (next - mean) / mass;
      diagonal[k] = 1.0 + below[k] + above[k];
      residual[k] = v[k] - mean;
      density = next_density;
      tail = next_tail;
      t = next;
    }
    for (std::size_t k = 1; k < n; ++k) {
      const double factor = below[k] / diagonal[k - 1];
      diagonal[k] -= factor * above[k - 1];
      residual[k] -= factor * residual[k - 1];
    }
    double step = 0.0;
    for (std::size_t k = n; k-- > 0;) {
      step = (residual[k] - above[k] * step) / diagonal[k];
      v[k] -= step;
    }
  }
  return v;
}

const Codebook& codebook_of(CodebookKind kind, int bits) {
  static const AllCodebooks all = build_all();
  const auto found = std::find(kCodeWidths.begin(), kCodeWidths.end(), bits);
  LQ_CHECK(found != kCodeWidths.end(), kInvalidArgument, "codebook of {} bits, but only {} exist", bits,
           fmt::join(kCodeWidths, ", "));
  return all[static_cast<std::size_t>(kind)][static_cast<std::size_t>(found - kCodeWidths.begin())];
}

std::string_view codebook_kind_name(CodebookKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

}  // namespace lq
