// What the first block reads.
#include <algorithm>
#include <vector>

#include "models/model.h"
#include "models/model_state.h"
#include "ops/columns.h"
#include "ops/device_memory.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"

namespace lq {
namespace {

// Rows of the table of positions. Where positions begin behind the padding token's number (RoBERTa), that
// token in a sequence has the row of its number, and those behind it are counted as if it were not there.
std::vector<std::int32_t> position_rows(const ModelSpec& spec, const SequencePlan& plan,
                                        std::span<const std::int32_t> ids) {
  std::vector<std::int32_t> rows = plan.positions;
  const auto offset = static_cast<std::int32_t>(spec.position_offset);
  const std::int32_t padding = offset - 1;  // of a model whose positions begin at 0 no token
  std::int32_t passed_over = 0;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    if (rows[t] == 0) passed_over = 0;
    const bool is_padding = ids[t] == padding;
    rows[t] = is_padding ? padding : rows[t] + offset - passed_over;
    passed_over += is_padding ? 1 : 0;
  }
  const std::int64_t longest = rows.empty() ? 0 : *std::ranges::max_element(rows);
  LQ_CHECK(longest < spec.learned_positions, kInvalidArgument,
           "[model] a sequence of {} tokens is longer than the model's {} positions",
           longest + 1 - spec.position_offset, spec.learned_positions - spec.position_offset);
  return rows;
}

// Rows of the table of token types.
std::vector<std::int32_t> type_rows(const ModelSpec& spec, const SequencePlan& plan) {
  if (plan.types.empty()) return std::vector<std::int32_t>(static_cast<std::size_t>(plan.tokens), 0);
  for (const std::int32_t type : plan.types) {
    LQ_CHECK(type >= 0 && type < spec.token_types, kInvalidArgument,
             "[model] token type {}, but the model has {} (type_vocab_size)", type, spec.token_types);
  }
  return plan.types;
}

}  // namespace

void Model::State::add_tables(Context& ctx, const SequencePlan& plan, std::span<const std::int32_t> ids,
                              Matrix x) const {
  if (positions == nullptr && types == nullptr) return;
  Tensor rows = empty_tensor(x.device, DType::kF32, {x.rows, x.cols});
  if (positions != nullptr) {
    embedding_forward(ctx, positions->value, position_rows(spec, plan, ids), matrix_of(rows));
    add_forward(ctx, const_matrix_of(rows), x);
  }
  if (types == nullptr) return;
  embedding_forward(ctx, types->value, type_rows(spec, plan), matrix_of(rows));
  add_forward(ctx, const_matrix_of(rows), x);
}

void Model::embed(Context& ctx, const SequencePlan& plan, std::span<const std::int32_t> ids, Matrix x) const {
  const ModelSpec& spec = state_->spec;
  state_->embedding->forward(ctx, ids, x);
  if (spec.embedding_multiplier != 1.0F) scale(ctx, spec.embedding_multiplier, x);
  state_->add_tables(ctx, plan, ids, x);
  if (!state_->embedding_norm) return;
  Workspace ws;
  state_->embedding_norm.forward(ctx, ws, x, x);
}

void Model::embed_backward(Context& ctx, const SequencePlan& plan, std::span<const std::int32_t> ids,
                           ConstMatrix dx) {
  const ModelSpec& spec = state_->spec;
  if (!state_->input_learns()) return;
  Tensor below;  // the gradient of what the norm reads
  if (state_->embedding_norm) {
    Workspace ws;
    Scratch scratch(ws);
    Tensor sum = empty_tensor(dx.device, DType::kF32, {dx.rows, dx.cols});
    const Matrix x = matrix_of(sum);
    state_->embedding->forward(ctx, ids, x);
    if (spec.embedding_multiplier != 1.0F) scale(ctx, spec.embedding_multiplier, x);
    state_->add_tables(ctx, plan, ids, x);
    const Matrix normal = scratch.matrix(dx.rows, dx.cols);
    const NormSaved saved = state_->embedding_norm.saved(scratch, x);
    state_->embedding_norm.forward(ctx, ws, x, normal, saved);
    below = Tensor::zeros(DType::kF32, {dx.rows, dx.cols});
    state_->embedding_norm.backward(ctx, ws, x, saved, dx, matrix_of(below));
    dx = const_matrix_of(below);
  }
  if (state_->types != nullptr && state_->types->trainable()) {
    embedding_backward(ctx, type_rows(spec, plan), dx, matrix_of(state_->types->grad));
  }
  if (state_->positions != nullptr && state_->positions->trainable()) {
    embedding_backward(ctx, position_rows(spec, plan, ids), dx, matrix_of(state_->positions->grad));
  }
  if (spec.embedding_multiplier == 1.0F || !state_->embedding->learns()) {
    return state_->embedding->backward(ctx, ids, dx);
  }
  Tensor scaled = empty_tensor(dx.device, DType::kF32, {dx.rows, dx.cols});
  take_columns(ctx, dx, 0, matrix_of(scaled));
  scale(ctx, spec.embedding_multiplier, matrix_of(scaled));
  state_->embedding->backward(ctx, ids, const_matrix_of(scaled));
}

}  // namespace lq
