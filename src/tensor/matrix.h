// Views of row-major f32 matrices, as ops take them: who owns the numbers is the caller's business.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "tensor/tensor.h"

namespace lq {

struct Matrix {
  float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  std::int64_t size() const { return rows * cols; }
  float* row(std::int64_t i) const { return data + i * cols; }
  // Rows [begin, begin + count).
  Matrix slice(std::int64_t begin, std::int64_t count) const { return {row(begin), count, cols}; }
};

struct ConstMatrix {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  ConstMatrix() = default;
  ConstMatrix(const float* d, std::int64_t r, std::int64_t c) : data(d), rows(r), cols(c) {}
  ConstMatrix(const Matrix& m) : data(m.data), rows(m.rows), cols(m.cols) {}  // NOLINT: meant to convert

  std::int64_t size() const { return rows * cols; }
  const float* row(std::int64_t i) const { return data + i * cols; }
  ConstMatrix slice(std::int64_t begin, std::int64_t count) const { return {row(begin), count, cols}; }
};

// An f32 tensor of two dimensions (or one: a single row). REQUIRES: dtype F32; owns() for matrix_of.
inline Matrix matrix_of(Tensor& t) {
  LQ_CHECK(t.dtype() == DType::kF32 && (t.shape().size() == 2 || t.shape().size() == 1), kInternal,
           "a matrix was expected, not {} {}", dtype_name(t.dtype()), shape_text(t.shape()));
  const bool flat = t.shape().size() == 1;
  return {t.mutable_data<float>(), flat ? 1 : t.dim(0), flat ? t.dim(0) : t.dim(1)};
}
inline ConstMatrix const_matrix_of(const Tensor& t) {
  LQ_CHECK(t.dtype() == DType::kF32 && (t.shape().size() == 2 || t.shape().size() == 1), kInternal,
           "a matrix was expected, not {} {}", dtype_name(t.dtype()), shape_text(t.shape()));
  const bool flat = t.shape().size() == 1;
  return {t.data<float>(), flat ? 1 : t.dim(0), flat ? t.dim(0) : t.dim(1)};
}

// Throws Error(kMismatch) naming `who` and both shapes unless m is [rows, cols].
inline void check_shape(std::string_view who, ConstMatrix m, std::int64_t rows, std::int64_t cols) {
  LQ_CHECK(m.rows == rows && m.cols == cols, kMismatch, "[ops] {}: [{}, {}], but [{}, {}] was expected", who,
           m.rows, m.cols, rows, cols);
}

}  // namespace lq
