// Views of row-major f32 matrices without gaps, as ops take them: who owns the numbers is the caller's
// business, on which device they lie the op's.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "tensor/device.h"
#include "tensor/device_span.h"
#include "tensor/tensor.h"

namespace lq {

struct Matrix {
  float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  Device device = {};

  std::int64_t size() const { return rows * cols; }
  float* row(std::int64_t i) const { return data + i * cols; }
  Vector flat() const { return {data, static_cast<std::size_t>(size()), device}; }
  // Rows [begin, begin + count).
  Matrix slice(std::int64_t begin, std::int64_t count) const { return {row(begin), count, cols, device}; }
};

struct ConstMatrix {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  Device device = {};

  ConstMatrix() = default;
  ConstMatrix(const float* d, std::int64_t r, std::int64_t c, Device where = {})
      : data(d), rows(r), cols(c), device(where) {}
  ConstMatrix(const Matrix& m)  // NOLINT: meant to convert
      : data(m.data), rows(m.rows), cols(m.cols), device(m.device) {}

  std::int64_t size() const { return rows * cols; }
  const float* row(std::int64_t i) const { return data + i * cols; }
  ConstVector flat() const { return {data, static_cast<std::size_t>(size()), device}; }
  ConstMatrix slice(std::int64_t begin, std::int64_t count) const {
    return {row(begin), count, cols, device};
  }
};

// An f32 tensor of two dimensions (or one: a single row). REQUIRES: dtype F32; owns() for matrix_of.
inline Matrix matrix_of(Tensor& t) {
  LQ_CHECK(t.dtype() == DType::kF32 && (t.shape().size() == 2 || t.shape().size() == 1), kInternal,
           "a matrix was expected, not {} {}", dtype_name(t.dtype()), shape_text(t.shape()));
  const bool flat = t.shape().size() == 1;
  return {t.mutable_data<float>(), flat ? 1 : t.dim(0), flat ? t.dim(0) : t.dim(1), t.device()};
}
inline ConstMatrix const_matrix_of(const Tensor& t) {
  LQ_CHECK(t.dtype() == DType::kF32 && (t.shape().size() == 2 || t.shape().size() == 1), kInternal,
           "a matrix was expected, not {} {}", dtype_name(t.dtype()), shape_text(t.shape()));
  const bool flat = t.shape().size() == 1;
  return {t.data<float>(), flat ? 1 : t.dim(0), flat ? t.dim(0) : t.dim(1), t.device()};
}

// All elements of a tensor. REQUIRES: sizeof(T) == dtype_size(t.dtype()); t.owns().
template <typename T>
DeviceSpan<T> span_of(Tensor& t) {
  return {t.mutable_data<T>(), static_cast<std::size_t>(t.numel()), t.device()};
}

// Throws Error(kMismatch) naming `who` and both shapes unless m is [rows, cols].
inline void check_shape(std::string_view who, ConstMatrix m, std::int64_t rows, std::int64_t cols) {
  LQ_CHECK(m.rows == rows && m.cols == cols, kMismatch, "[ops] {}: [{}, {}], but [{}, {}] was expected", who,
           m.rows, m.cols, rows, cols);
}

// Throws Error(kMismatch) naming `who` and both lengths unless v is [length].
inline void check_length(std::string_view who, ConstVector v, std::int64_t length) {
  LQ_CHECK(static_cast<std::int64_t>(v.size()) == length, kMismatch, "[ops] {}: [{}], but [{}] was expected",
           who, v.size(), length);
}

}  // namespace lq
