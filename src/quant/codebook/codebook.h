// The values that codes stand for, in units of the block's scale.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "backends/nf_view.h"

namespace lq {

enum class CodebookKind : std::uint8_t {
  // Quantiles of the normal distribution, zero among them (QLoRA, arXiv 2305.14314, appendix E; Yoshida,
  // arXiv 2306.06965): 2^(b-1) evenly spaced probabilities from 1 - delta to 1/2 and 2^(b-1) + 1 from 1/2 to
  // delta, delta = 0.9677083, joined, mapped through the inverse normal CDF and divided by its value at
  // delta.
  kNormalFloat,
  // Round to nearest, symmetric: (k - 2^(b-1)) / (2^(b-1) - 1) for k = 0 .. 2^b - 1. Code 0 lies below -1 and
  // serves only weights that exceed their rounded scale.
  kUniformInt,
  // The 2^b values of least mean squared error for normal weights (Lloyd, "Least squares quantization in
  // PCM", 1982; Max 1960), divided by the largest. Symmetric, zero not among them. Best with searched
  // scales: at 2 bits a fifth less squared error than kNormalFloat has with them.
  kLloydMax,
};

// Bits per code that exist, and per code of a scale. The paper's codes have the widths of scales.
inline constexpr std::array kCodeWidths = {2, 3, 4, 5, 6, 8};
inline constexpr std::array kScaleWidths = {2, 3, 4, 8};

using Codebook = backends::NfCodebook;

// Computed once per kind and width in double and rounded to f32. REQUIRES: bits in kCodeWidths.
const Codebook& codebook_of(CodebookKind kind, int bits);

// "nf", "int", "lm": as in config.json.
std::string_view codebook_kind_name(CodebookKind kind);

// x with P(N(0, 1) <= x) = p, to double accuracy. REQUIRES: 0.5 <= p < 1.
double upper_normal_quantile(double p);

// The positive half, ascending, of the Lloyd-Max quantizer of N(0, 1) with 2 * half values.
std::vector<double> lloyd_max_values(int half);

}  // namespace lq
