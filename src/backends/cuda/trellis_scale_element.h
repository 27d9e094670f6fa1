// Scales of a trellis code, as CUDA threads choose them (trellis_encode.cu): the arithmetic of
// quant/trellis/trellis_scales.h and strip_fit.h in the same order, so that what is stored is the
// processor's. Compile without fused multiply-add.
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/trellis_element.h"

namespace lq::backends::cuda {

// A matrix in a trellis code whose parts are being chosen; all of it memory of the device.
struct TrellisCodes {
  std::int64_t rows = 0, cols = 0;
  int bits = 0;
  int state_bits = 0;  // of the states that its tiles hold now
  int block = 0;
  std::int64_t tiles = 0;   // in a strip of 16 rows
  std::int64_t blocks = 0;  // in a row
  std::uint8_t* codes = nullptr;
  std::uint8_t* scales = nullptr;
  float* scales2 = nullptr;
  float* offset = nullptr;  // one
};

LQ_HOST_DEVICE inline float trellis_step(const TrellisCodes& c, std::int64_t index) {
  return c.scales2[index / kTrellisBlocks2] / 255.0F;
}
LQ_HOST_DEVICE inline float trellis_scale(const TrellisCodes& c, std::int64_t index) {
  const float product = static_cast<float>(c.scales[index]) * trellis_step(c, index);
  return *c.offset + product;
}

// What of a normal weight's square a code leaves: trellis_scales.cc has where the numbers come from.
struct TrellisWidths {
  double width, wide, rest;
};
LQ_HOST_DEVICE inline TrellisWidths trellis_widths(int bits) {
  return bits == 2   ? TrellisWidths{1.035, 0.029, 0.042}
         : bits == 3 ? TrellisWidths{1.10, 0.0073, 0.0103}
                     : TrellisWidths{1.15, 0.0018, 0.0027};
}

// The scale that `count` weights ask for; importance may be null.
LQ_HOST_DEVICE inline float trellis_scale_target(int bits, const float* w, const float* importance,
                                                 std::int64_t count) {
  constexpr double kReach = 2.8;
  constexpr double kFourthRoot = 0x1.306fe0a31b715p0;  // of 2
  constexpr double kValueDeviation = 147.801;
  constexpr double kMost = static_cast<double>(3.402823466e+38F / 1024.0F);
  const TrellisWidths widths = trellis_widths(bits);
  double total = 0.0;
  double square = 0.0;
  double largest = 0.0;
  for (std::int64_t k = 0; k < count; ++k) {
    const double weight = importance == nullptr ? 1.0 : static_cast<double>(importance[k]);
    const double x = w[k];
    total += weight;
    square += weight * x * x;
    const double magnitude = x < 0.0 ? -x : x;
    if (largest < magnitude) largest = magnitude;
  }
  if (!(total > 0.0)) {  // nothing matters: as if all did
    if (importance == nullptr) return 0.0F;
    importance = nullptr;
    total = static_cast<double>(count);
    square = 0.0;
    for (std::int64_t k = 0; k < count; ++k) square += static_cast<double>(w[k]) * static_cast<double>(w[k]);
  }
  const double least = widths.width * sqrt(square / total);
  if (least == 0.0) return 0.0F;
  double best = least;
  double best_error = HUGE_VAL;
  double width = least;
  for (int i = 0; i < 16; ++i) {
    double beyond = 0.0;
    const double reach = kReach * width;
    if (largest > reach) {
      for (std::int64_t k = 0; k < count; ++k) {
        const double x = w[k];
        const double over = (x < 0.0 ? -x : x) - reach;
        const double excess = over > 0.0 ? over : 0.0;
        beyond += (importance == nullptr ? 1.0 : static_cast<double>(importance[k])) * excess * excess;
      }
    }
    const double rest = widths.rest * square * pow(least / width, 1.2);
    const double error = total * widths.wide * width * width + rest + beyond;
    if (error < best_error) {
      best_error = error;
      best = width;
    }
    if (beyond == 0.0) break;  // wider ones only err more
    width *= kFourthRoot;
  }
  const double scale = best / kValueDeviation;
  return static_cast<float>(scale < kMost ? scale : kMost);
}

// The first-level code nearest to what a block asks for.
LQ_HOST_DEVICE inline std::uint8_t trellis_scale_code(float target, float offset, float step) {
  if (!(step > 0.0F)) return 0;
  constexpr float kWhole = 0x1p23F;  // adding it rounds to a whole number, to even
  const float above = (target - offset) / step;
  const float bounded = above < 255.0F ? above : 255.0F;
  return static_cast<std::uint8_t>((bounded + kWhole) - kWhole);
}

// The whole code nearest to x, which is finite.
LQ_HOST_DEVICE inline std::uint8_t whole_scale_code(double x) {
  constexpr double kWhole = 0x1p52;
  const double bounded = x < 0.0 ? 0.0 : x < 255.0 ? x : 255.0;
  return static_cast<std::uint8_t>((bounded + kWhole) - kWhole);
}
LQ_HOST_DEVICE inline bool is_finite(double x) { return x - x == 0.0; }

// What a least-squares fit of each block's scale takes, as TrellisFit. Null: none is made.
struct TrellisFitSums {
  double* products = nullptr;  // [rows * blocks]
  double* squares = nullptr;
};

// The code of block `index` nearest to the fit.
LQ_HOST_DEVICE inline void refit_scale(const TrellisFitSums& fit, std::int64_t index, const TrellisCodes& c) {
  const double step = trellis_step(c, index);
  if (!(fit.squares[index] > 0.0) || !(step > 0.0)) return;
  const double code = (fit.products[index] / fit.squares[index] - static_cast<double>(*c.offset)) / step;
  if (is_finite(code)) c.scales[index] = whole_scale_code(code);
}

// --- the fit of one row's blocks to what feedback makes of their errors (quant/trellis/strip_fit.h) ---

inline constexpr int kFitRounds = 2;
inline constexpr int kFitThreads = 256;     // the most columns of a region
inline constexpr int kFitShares = 4 * 128;  // its blocks' shares at most: 4 of 128 columns, or 1 of 256

// out += x S, the part of column j: over k in [begin, end), S's rows `stride` apart.
LQ_HOST_DEVICE inline void add_factor_column(const float* s, std::int64_t stride, int begin, int end,
                                             const float* x, int j, double& out) {
  for (int k = begin < j ? j : begin; k < end; ++k)
    out += static_cast<double>(x[k]) * static_cast<double>(s[k * stride + j]);
}

// How much a block's scale should rise, in codes: 0 where nothing says so.
LQ_HOST_DEVICE inline int fitted_change(int code, double step, const double* left, const double* made,
                                        int order) {
  double product = 0.0;
  double square = 0.0;
  for (int j = 0; j < order; ++j) {
    product += left[j] * made[j];
    square += made[j] * made[j];
  }
  const double wanted = code + product / square / step;
  if (!(step > 0.0) || !(square > 0.0) || !is_finite(wanted)) return 0;
  return whole_scale_code(wanted) - code;
}

}  // namespace lq::backends::cuda
