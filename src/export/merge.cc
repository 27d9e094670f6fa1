#include "export/merge.h"

#include "backends/cpu/gemm.h"
#include "ops/lengths.h"
#include "ops/matmul.h"

namespace lq {
namespace {

// What lengths have to be multiplied by to become the magnitude.
Tensor length_factors(Context& context, const LoraPair& pair, Tensor lengths) {
  const Tensor magnitude = pair.magnitude->copy_f32();
  quotients(context.pool, const_matrix_of(magnitude).flat(), const_matrix_of(lengths).flat(),
            span_of<float>(lengths));
  return lengths;
}

}  // namespace

void merge_low_rank(Context& context, const LoraPair& pair, Tensor& w) {
  const Tensor a = pair.a.copy_f32();
  const Tensor b = pair.b.copy_f32();
  backends::gemm(context.pool, pair.out, pair.in, pair.rank, b.data<float>(), pair.rank, a.data<float>(),
                 pair.in, w.mutable_data<float>(), pair.in,
                 {.alpha = static_cast<float>(pair.scaling), .beta = 1.0F});
  if (!pair.magnitude) return;
  Tensor lengths = Tensor::empty(DType::kF32, {pair.out});
  row_lengths(context.pool, const_matrix_of(w), span_of<float>(lengths));
  const Tensor factors = length_factors(context, pair, std::move(lengths));
  scale_rows(context.pool, const_matrix_of(factors).flat(), matrix_of(w));
}

void merge_low_rank_of_embedding(Context& context, const LoraPair& pair, Tensor& table) {
  const Tensor a = pair.a.copy_f32();
  const Tensor b = pair.b.copy_f32();
  Tensor by_token = Tensor::empty(DType::kF32, {pair.in, pair.rank});
  transpose(context.pool, const_matrix_of(a), matrix_of(by_token));
  matmul_nt(context, const_matrix_of(by_token), const_matrix_of(b), matrix_of(table),
            {.alpha = static_cast<float>(pair.scaling), .accumulate = true});
  if (!pair.magnitude) return;
  Tensor lengths = Tensor::empty(DType::kF32, {pair.out});
  column_lengths(context.pool, const_matrix_of(table), span_of<float>(lengths));
  const Tensor factors = length_factors(context, pair, std::move(lengths));
  scale_columns(context.pool, const_matrix_of(factors).flat(), matrix_of(table));
}

}  // namespace lq
