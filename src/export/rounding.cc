#include "export/rounding.h"

#include "base/error.h"
#include "ops/host_math.h"

namespace lq {

Tensor rounded_to(ThreadPool& pool, DType dtype, const Tensor& w, const std::string& name, Rounding& sum) {
  Tensor stored = Tensor::empty(dtype, w.shape());
  const ConstVector values(w.data<float>(), static_cast<std::size_t>(w.numel()));
  const Rounding r = {.squared_error = store_rounded(pool, dtype, values, stored.mutable_raw()),
                      .squared_norm = sum_of_squares(pool, values)};
  LQ_CHECK(std::isfinite(r.squared_error) || !std::isfinite(r.squared_norm), kUnsupported,
           "[export] {}: a weight is beyond the range of {}; choose another `dtype`", name,
           dtype_name(dtype));
  sum.add(r);
  return stored;
}

}  // namespace lq
