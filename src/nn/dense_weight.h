// A weight stored as F32, BF16 or F16, often borrowed from a mapped file.
#pragma once

#include "backends/packed_view.h"
#include "nn/weight.h"

namespace lq {

// REQUIRES: is_weight_dtype(dtype).
backends::DenseType dense_type(DType dtype);

class DenseWeight : public Weight {
 public:
  // REQUIRES: value is a matrix of a weight dtype; the parameter outlives this.
  explicit DenseWeight(Parameter& parameter) : parameter_(parameter) {}

  std::int64_t rows() const override { return parameter_.value.dim(0); }
  std::int64_t cols() const override { return parameter_.value.dim(1); }
  std::int64_t bytes() const override { return static_cast<std::int64_t>(parameter_.value.bytes()); }
  backends::PackedView view() const override;
  Parameter* parameter() override { return &parameter_; }

 protected:
  const Tensor& stored() const { return parameter_.value; }
  bool learns() const { return parameter_.trainable(); }

 private:
  Parameter& parameter_;
};

}  // namespace lq
