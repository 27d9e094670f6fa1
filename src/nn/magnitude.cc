#include "nn/magnitude.h"

#include <algorithm>

#include "ops/lengths.h"

namespace lq {

void Magnitude::set_lengths(ThreadPool& pool, Tensor values) {
  lengths = std::move(values);
  if (m.value.numel() == 0) {
    m.value = Tensor::empty(DType::kF32, lengths.shape());
    std::copy_n(lengths.raw(), lengths.bytes(), m.value.mutable_raw());
  }
  if (factors.numel() == 0) factors = Tensor::empty(DType::kF32, lengths.shape());
  quotients(pool, m.values(), const_matrix_of(lengths).flat(), span_of<float>(factors));
}

}  // namespace lq
