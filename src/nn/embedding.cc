#include "nn/embedding.h"

#include <algorithm>

#include "ops/device_memory.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/lengths.h"
#include "ops/matmul.h"

namespace lq {
namespace {

Tensor room(Device device, std::int64_t rows, std::int64_t cols) {
  return empty_tensor(device, DType::kF32, {rows, cols});
}

}  // namespace

void Embedding::set_lora(Context& ctx, std::unique_ptr<EmbeddingLora> lora) {
  if (lora != nullptr) {
    const Shape& a = lora->a.value.shape();
    const Shape& b = lora->b.value.shape();
    const std::int64_t rows = table_->value.dim(0);
    const std::int64_t cols = table_->value.dim(1);
    LQ_CHECK(a.size() == 2 && b.size() == 2 && a[0] == rows && b[0] == cols && a[1] == b[1], kMismatch,
             "[adapter] {}: A is {} (transposed) and B is {}, but the table is [{}, {}]", name_,
             shape_text(a), shape_text(b), rows, cols);
  }
  lora_ = std::move(lora);
  update_magnitude(ctx);
}

void Embedding::update_magnitude(Context& ctx) {
  if (lora_ == nullptr || lora_->magnitude == nullptr) return;
  const std::int64_t vocabulary = table_->value.dim(0);
  Tensor table = room({}, vocabulary, table_->value.dim(1));
  convert_to_f32(table_->value.dtype(), table_->value.raw(), 0, table.numel(), table.mutable_data<float>());
  matmul_nt(ctx, const_matrix_of(lora_->a.value), const_matrix_of(lora_->b.value), matrix_of(table),
            {.alpha = lora_->scaling, .accumulate = true});
  Tensor lengths = Tensor::empty(DType::kF32, {table.dim(1)});
  column_lengths(ctx.pool, const_matrix_of(table), span_of<float>(lengths));
  lora_->magnitude->set_lengths(ctx.pool, std::move(lengths));
}

bool Embedding::learns() const {
  if (table_->trainable()) return true;
  return lora_ != nullptr && (lora_->a.trainable() || lora_->b.trainable() ||
                              (lora_->magnitude != nullptr && lora_->magnitude->m.trainable()));
}

void Embedding::forward_plain(Context& ctx, std::span<const std::int32_t> ids, Matrix x) const {
  embedding_forward(ctx, table_->value, ids, x);
  if (lora_ == nullptr) return;
  Tensor low = room(x.device, x.rows, lora_->rank());
  embedding_forward(ctx, lora_->a.value, ids, matrix_of(low));
  matmul_nt(ctx, const_matrix_of(low), const_matrix_of(lora_->b.value), x,
            {.alpha = lora_->scaling, .accumulate = true});
}

void Embedding::forward(Context& ctx, std::span<const std::int32_t> ids, Matrix x) const {
  forward_plain(ctx, ids, x);
  if (lora_ != nullptr && lora_->magnitude != nullptr) {
    scale_columns(ctx.pool, const_matrix_of(lora_->magnitude->factors).flat(), x);
  }
}

void Embedding::backward(Context& ctx, std::span<const std::int32_t> ids, ConstMatrix dx) {
  if (!learns()) return;
  Tensor scaled;
  if (lora_ != nullptr && lora_->magnitude != nullptr) {
    Magnitude& magnitude = *lora_->magnitude;
    if (magnitude.m.trainable()) {
      Tensor x = room(dx.device, dx.rows, dx.cols);
      Tensor inverse = Tensor::empty(DType::kF32, magnitude.lengths.shape());
      forward_plain(ctx, ids, matrix_of(x));
      multiply(ctx.pool, dx, matrix_of(x));
      fill(ctx, span_of<float>(inverse), 1.0F);
      quotients(ctx.pool, const_matrix_of(inverse).flat(), const_matrix_of(magnitude.lengths).flat(),
                span_of<float>(inverse));
      scale_columns(ctx.pool, const_matrix_of(inverse).flat(), matrix_of(x));
      bias_backward(ctx, const_matrix_of(x), magnitude.m.grads());
    }
    scaled = room(dx.device, dx.rows, dx.cols);
    fill(ctx, matrix_of(scaled), 0.0F);
    add_forward(ctx, dx, matrix_of(scaled));
    scale_columns(ctx.pool, const_matrix_of(magnitude.factors).flat(), matrix_of(scaled));
    dx = const_matrix_of(scaled);
  }
  if (table_->trainable()) embedding_backward(ctx, ids, dx, matrix_of(table_->grad));
  if (lora_ == nullptr) return;
  Tensor low = room(dx.device, dx.rows, lora_->rank());
  if (lora_->b.trainable()) {
    embedding_forward(ctx, lora_->a.value, ids, matrix_of(low));
    matmul_tn(ctx, dx, const_matrix_of(low), matrix_of(lora_->b.grad),
              {.alpha = lora_->scaling, .accumulate = true});
  }
  if (lora_->a.trainable()) {
    matmul(ctx, dx, const_matrix_of(lora_->b.value), matrix_of(low), {.alpha = lora_->scaling});
    embedding_backward(ctx, ids, const_matrix_of(low), matrix_of(lora_->a.grad));
  }
}

}  // namespace lq
