#include "quant/codebook.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/error.h"

namespace lq {
namespace {

constexpr double kDelta = 0.9677083;  // bitsandbytes' constant, kept by LQ-LoRA
constexpr std::array kWidths = {2, 3, 4, 8};

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

int cell_of(float x) {
  const float scaled = x * 256.0F;
  const float cell = scaled + 260.0F;
  return static_cast<int>(std::clamp(cell, 0.0F, static_cast<float>(kernels::kNfCells - 1)));
}

Codebook build(CodebookKind kind, int bits) {
  const std::vector<double> values =
      kind == CodebookKind::kNormalFloat ? normal_float_values(bits) : uniform_values(bits);
  Codebook book{};
  book.bits = bits;
  for (std::size_t k = 0; k < values.size(); ++k) book.values[k] = static_cast<float>(values[k]);
  book.zero = static_cast<int>(std::find(values.begin(), values.end(), 0.0) - values.begin());
  std::array<float, kernels::kNfCells> midpoint;
  midpoint.fill(std::numeric_limits<float>::infinity());
  std::array<std::uint32_t, kernels::kNfCells> below{};
  for (std::size_t k = 0; k + 1 < values.size(); ++k) {
    const float sum = book.values[k] + book.values[k + 1];
    book.midpoints[k] = sum * 0.5F;
    const auto home = static_cast<std::size_t>(cell_of(book.midpoints[k]));
    LQ_CHECK(std::isinf(midpoint[home]), kInternal, "two midpoints of a codebook share cell {}", home);
    midpoint[home] = book.midpoints[k];
    for (std::size_t cell = home + 1; cell < below.size(); ++cell)
      below[cell] = static_cast<std::uint32_t>(k + 1);
  }
  for (std::size_t cell = 0; cell < below.size(); ++cell) {
    book.cells[cell] = std::bit_cast<std::uint32_t>(midpoint[cell]) | std::uint64_t{below[cell]} << 32;
  }
  return book;
}

std::array<Codebook, 8> build_all() {
  std::array<Codebook, 8> all;
  for (std::size_t i = 0; i < kWidths.size(); ++i) {
    all[i] = build(CodebookKind::kNormalFloat, kWidths[i]);
    all[i + 4] = build(CodebookKind::kUniformInt, kWidths[i]);
  }
  return all;
}

}  // namespace

double upper_normal_quantile(double p) {
  LQ_ASSERT(p >= 0.5 && p < 1.0);
  // The CDF is concave here, so Newton's steps from 0 approach the root from below and cannot pass it.
  double x = 0.0;
  for (int i = 0; i < 100; ++i) {
    const double cdf = 0.5 * std::erfc(-x / std::numbers::sqrt2);
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
    const double step = (p - cdf) / density;
    if (std::abs(step) <= 1e-16 * x || p == 0.5) break;
    x += step;
  }
  return x;
}

const Codebook& codebook_of(CodebookKind kind, int bits) {
  static const std::array<Codebook, 8> all = build_all();
  const auto found = std::find(kWidths.begin(), kWidths.end(), bits);
  LQ_CHECK(found != kWidths.end(), kInvalidArgument, "codebook of {} bits, but only 2, 3, 4 and 8 exist",
           bits);
  return all[static_cast<std::size_t>(found - kWidths.begin()) + (kind == CodebookKind::kUniformInt ? 4 : 0)];
}

std::string_view codebook_kind_name(CodebookKind kind) {
  return kind == CodebookKind::kNormalFloat ? "nf" : "int";
}

CodebookKind codebook_kind_from_name(std::string_view name, std::string_view who) {
  if (name == "nf") return CodebookKind::kNormalFloat;
  LQ_CHECK(name == "int", kCorruptFile, "{}: codebook \"{}\", but must be \"nf\" or \"int\"", who, name);
  return CodebookKind::kUniformInt;
}

}  // namespace lq
