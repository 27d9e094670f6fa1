// Error feedback between codes of a codebook (quant/codebook/feedback.h), as the threads of a warp share a
// row of it (feedback.cu): the processor's arithmetic in the same order, but for sums over the errors of
// other regions. Compile without fused multiply-add.
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/quantize_element.h"

namespace lq::backends::cuda {

inline constexpr int kFeedbackCols = 128;  // of a region: between two products with the factor
inline constexpr int kFeedbackRows = 32;   // of a region where rows are moved too
inline constexpr int kFeedbackOwn = kFeedbackCols / kLanes;  // columns of a lane: lane, lane + 32, ...

// What the codes of a matrix are chosen by; all of it memory of the device.
struct CodebookFeedback {
  std::int64_t rows = 0, cols = 0;
  int bits = 0;
  int block = 1;
  const float* w = nullptr;       // [rows, cols]
  const float* scales = nullptr;  // of blocks of the flattened matrix, restored
  const float* s = nullptr;       // [cols, cols]: of the columns
  const float* t = nullptr;       // [rows, rows]: of the rows; null: the identity
  float* wanted = nullptr;        // [rows, kFeedbackCols]: T^T E of the rows done; then W, moved by it
  float* passed = nullptr;        // [rows, kFeedbackCols]: F S of the columns done
  float* f = nullptr;             // [rows, cols]: E plus what its rows were moved by
  float* e = nullptr;             // [rows, cols]: E; null without t
  float* q = nullptr;             // [rows, cols], or null: the values; may be w
  std::uint8_t* codes = nullptr;  // [rows, cols], or null
  float* targets = nullptr;       // [rows, cols], or null: what was rounded
};

// Rows [row, row + rows) and columns [col, col + cols).
struct FeedbackRegion {
  std::int64_t row = 0, col = 0;
  int rows = 0, cols = 0;
};

// Element (i, c) of a region of `of`: what is wanted of it, once the rows below have moved it.
LQ_HOST_DEVICE inline void want_element(const CodebookFeedback& of, const FeedbackRegion& g, int i, int c) {
  const std::int64_t row = g.row + i;
  float& wanted = of.wanted[row * kFeedbackCols + c];
  const float w = of.w[row * of.cols + g.col + c];
  wanted = of.t == nullptr ? w : w + wanted * (1.0F / of.t[row * of.rows + row]);
}

// A lane's columns of one row.
struct FeedbackLane {
  float wanted[kFeedbackOwn];
  float passed[kFeedbackOwn];
};

LQ_HOST_DEVICE inline void load_feedback_lane(const CodebookFeedback& of, const FeedbackRegion& g, int i,
                                              int lane, FeedbackLane& own) {
  for (int k = 0; k < kFeedbackOwn; ++k) {
    const int c = lane + k * kLanes;
    const std::int64_t at = (g.row + i) * kFeedbackCols + c;
    own.wanted[k] = c < g.cols ? of.wanted[at] : 0.0F;
    own.passed[k] = c < g.cols ? of.passed[at] : 0.0F;
  }
}

// Chooses the code of the lane's column k, stores what is asked for and gives its error, F.
LQ_HOST_DEVICE inline float choose_code(const CodebookFeedback& of, const SharedBook& book,
                                        const FeedbackRegion& g, int i, int lane, int k,
                                        const FeedbackLane& own) {
  const std::int64_t col = g.col + lane + k * kLanes;
  const std::int64_t element = (g.row + i) * of.cols + col;
  const float inverse = 1.0F / of.s[col * of.cols + col];
  const float scale = of.scales[element / of.block];
  const float target = own.wanted[k] + own.passed[k] * inverse;
  const int code = nearest_code(book, of.bits, scale == 0.0F ? 0.0F : target / scale);
  const float value = book.values[code] * scale;
  const float error = own.wanted[k] - value;
  if (of.e != nullptr) of.e[element] = of.w[element] - value;
  if (of.codes != nullptr) of.codes[element] = static_cast<std::uint8_t>(code);
  if (of.targets != nullptr) of.targets[element] = target;
  if (of.q != nullptr) of.q[element] = value;
  of.f[element] = error;
  return error;
}

// The lane's columns before column c take on its error.
LQ_HOST_DEVICE inline void take_error(const CodebookFeedback& of, const FeedbackRegion& g, int c, float error,
                                      int lane, FeedbackLane& own) {
  const float* const s = of.s + (g.col + c) * of.cols + g.col;
  for (int k = 0; k < kFeedbackOwn; ++k) {
    const int at = lane + k * kLanes;
    if (at < c) own.passed[k] = own.passed[k] + error * s[at];
  }
}

// Element (above, c) of a region takes on the error of row i below it.
LQ_HOST_DEVICE inline void move_above(const CodebookFeedback& of, const FeedbackRegion& g, int i, int above,
                                      int c) {
  const std::int64_t from = g.row + i;
  const std::int64_t to = g.row + above;
  const float share = of.t[from * of.rows + to] / of.t[to * of.rows + to];
  float& wanted = of.wanted[to * kFeedbackCols + c];
  wanted = wanted + share * of.e[from * of.cols + g.col + c];
}

}  // namespace lq::backends::cuda
