#include "ops/embedding.h"

#include "backends/cpu/embedding.h"
#include "backends/cuda/tokens.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

backends::DenseView dense_view(const Tensor& table) {
  LQ_CHECK(is_weight_dtype(table.dtype()), kUnsupported,
           "[embedding] the table is {} (expected F32, BF16 or F16)", dtype_name(table.dtype()));
  const backends::DenseType type = table.dtype() == DType::kF32    ? backends::DenseType::kF32
                                   : table.dtype() == DType::kBf16 ? backends::DenseType::kBf16
                                                                   : backends::DenseType::kF16;
  return {table.raw(), type};
}

}  // namespace

void embedding_forward(Context& ctx, const Tensor& table, std::span<const std::int32_t> ids, Matrix x) {
  const std::int64_t vocab = table.dim(0);
  check_shape("embedding x", x, std::ssize(ids), table.dim(1));
  for (std::size_t t = 0; t < ids.size(); ++t) {
    LQ_CHECK(ids[t] >= 0 && ids[t] < vocab, kInvalidArgument,
             "[embedding] token {} has id {}, but the model's vocabulary has {} ids", t, ids[t], vocab);
  }
  switch (common_device("embedding_forward", {{"table", table.device()}, {"x", x.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::embedding_forward(ctx, table, ids, x);
    case DeviceKind::kCuda:
      return backends::cuda::embedding_forward(queue_of(ctx, "embedding_forward", x.device),
                                               dense_view(table), x.rows, x.cols, ids.data(), x.data);
  }
}

void embedding_backward(Context& ctx, std::span<const std::int32_t> ids, ConstMatrix dx, Matrix dtable) {
  check_shape("embedding dx", dx, std::ssize(ids), dtable.cols);
  switch (common_device("embedding_backward", {{"dx", dx.device}, {"dtable", dtable.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::embedding_backward(ctx, ids, dx, dtable);
    case DeviceKind::kCuda:
      return backends::cuda::embedding_backward(queue_of(ctx, "embedding_backward", dx.device), dx.rows,
                                                dx.cols, ids.data(), dx.data, dtable.data);
  }
}

}  // namespace lq
