#include "backends/cuda/cudnn_attention_graph.h"

#include <limits>
#include <utility>

namespace lq::backends::cuda {
namespace {

using Of = CudnnAttentionTensor;

CudnnTensor turned_rows(const CudnnTensor& t) {
  CudnnTensor r = t;
  std::swap(r.dims[2], r.dims[3]);
  std::swap(r.strides[2], r.strides[3]);
  return r;
}

class AttentionGraph {
 public:
  AttentionGraph(const CudnnCalls& calls, const CudnnAttentionKey& key) : g_(calls), key_(key) {
    q_offsets_ = ints(Of::kQOffsets, key.batch + 1);
    kv_offsets_ = ints(Of::kKvOffsets, key.batch + 1);
    stats_offsets_ = ints(Of::kStatsOffsets, key.batch + 1);
    q_lengths_ = ints(Of::kQLengths, key.batch);
    kv_lengths_ = ints(Of::kKvLengths, key.batch);
    scale_ = g_.constant(key.scale);
    if (key.soft_cap > 0.0F) cap_ = g_.constant(key.soft_cap);
  }

  void forward() {
    const CudnnTensor q = queries(Of::kQ);
    const CudnnTensor k = keys(Of::kK, true);
    CudnnTensor s = g_.between(CudnnType::kF32, score_dims());
    g_.multiply(q, k, {q_lengths_, kv_lengths_, {}, true}, s);
    s = masked(padded(capped(g_.pointwise({CudnnPointwise::kMul}, CudnnType::kF32, s, scale_))));
    const CudnnTensor peak = g_.between(CudnnType::kF32, row_dims());
    g_.reduce(CudnnReduce::kMax, s, peak);
    s = g_.pointwise({CudnnPointwise::kSub}, CudnnType::kF32, s, peak);
    s = g_.pointwise({CudnnPointwise::kExp}, CudnnType::kF32, s);
    const CudnnTensor total = g_.between(CudnnType::kF32, row_dims());
    g_.reduce(CudnnReduce::kAdd, s, total);
    const CudnnTensor log = g_.pointwise({CudnnPointwise::kLog}, CudnnType::kF32, total);
    g_.pointwise({CudnnPointwise::kAdd}, peak, log, {}, stats());
    s = g_.pointwise({CudnnPointwise::kDiv}, CudnnType::kBf16, s, total);
    g_.multiply(s, keys(Of::kV, false), {q_lengths_, {}, kv_lengths_}, queries(Of::kOut));
  }

  void backward() {
    const CudnnTensor q = queries(Of::kQ);
    const CudnnTensor k = keys(Of::kK, true);
    const CudnnTensor dout = queries(Of::kDout);
    const CudnnTensor sums = row_sums(dout);

    // Probabilities once more, and with them dv.
    CudnnTensor s = g_.between(CudnnType::kF32, score_dims());
    g_.multiply(q, k, {q_lengths_, kv_lengths_, {}}, s);
    s = capped(g_.pointwise({CudnnPointwise::kMul}, CudnnType::kF32, s, scale_));
    s = masked(padded(g_.pointwise({CudnnPointwise::kSub}, CudnnType::kF32, s, stats())));
    const CudnnTensor p = g_.pointwise({CudnnPointwise::kExp}, CudnnType::kF32, s);
    key_gradient(p, dout, Of::kDv);

    // Gradients of the products q k.
    CudnnTensor ds = g_.between(CudnnType::kF32, score_dims());
    g_.multiply(dout, keys(Of::kV, true), {q_lengths_, kv_lengths_, {}}, ds);
    ds = g_.pointwise({CudnnPointwise::kSub}, CudnnType::kF32, ds, sums);
    ds = g_.pointwise({CudnnPointwise::kMul}, CudnnType::kF32, ds, p);
    if (key_.soft_cap > 0.0F) {
      ds = g_.pointwise({CudnnPointwise::kMul}, CudnnType::kF32, ds, cap_);
      ds = g_.pointwise({CudnnPointwise::kTanhBackward}, CudnnType::kF32, ds, before_tanh_);
      ds = g_.pointwise({CudnnPointwise::kDiv}, CudnnType::kF32, ds, cap_);
    }
    ds = g_.pointwise({CudnnPointwise::kMul}, CudnnType::kF32, ds, scale_);
    key_gradient(ds, q, Of::kDk);
    const CudnnTensor rows = turned_rows(k);
    const CudnnTensor k_rows = g_.between(CudnnType::kBf16, rows.dims, rows.strides, kv_offsets_);
    g_.reshape(k, k_rows);
    // By way of memory for all of ds, with no sums that meet in any order: the same bits in every run.
    g_.multiply(ds, k_rows, {q_lengths_, {}, kv_lengths_}, queries(Of::kDq));
  }

  std::unique_ptr<CudnnPlan> build(void* handle) { return g_.build(handle); }

 private:
  CudnnDims score_dims() const { return {key_.batch, key_.heads, key_.q_rows, key_.kv_rows}; }
  CudnnDims row_dims() const { return {key_.batch, key_.heads, key_.q_rows, 1}; }

  CudnnTensor ints(Of id, std::int64_t count) {
    return g_.memory(static_cast<std::int64_t>(id), CudnnType::kI32, {count, 1, 1, 1}, {1, 1, 1, 1});
  }
  CudnnTensor queries(Of id) {
    return g_.memory(static_cast<std::int64_t>(id), CudnnType::kBf16,
                     {key_.batch, key_.heads, key_.q_rows, key_.head_dim},
                     {key_.q_rows * key_.width, key_.head_dim, key_.width, 1}, q_offsets_);
  }
  CudnnTensor keys(Of id, bool transposed) {
    CudnnTensor t;
    t.dims = {key_.batch, key_.kv_heads, key_.kv_rows, key_.head_dim};
    t.strides = {key_.kv_rows * key_.kv_width, key_.head_dim, key_.kv_width, 1};
    if (transposed) t = turned_rows(t);
    return g_.memory(static_cast<std::int64_t>(id), CudnnType::kBf16, t.dims, t.strides, kv_offsets_);
  }
  CudnnTensor stats() {
    return g_.memory(static_cast<std::int64_t>(Of::kStats), CudnnType::kF32, row_dims(),
                     {key_.q_rows * key_.heads, 1, key_.heads, 1}, stats_offsets_);
  }

  CudnnTensor capped(const CudnnTensor& s) {
    if (!(key_.soft_cap > 0.0F)) return s;
    before_tanh_ = g_.pointwise({CudnnPointwise::kDiv}, CudnnType::kF32, s, cap_);
    const CudnnTensor t = g_.pointwise({CudnnPointwise::kTanh}, CudnnType::kF32, before_tanh_);
    return g_.pointwise({CudnnPointwise::kMul}, CudnnType::kF32, t, cap_);
  }

  // Minus infinity where the sequence has no such query or key.
  CudnnTensor padded(const CudnnTensor& s) {
    constexpr auto kInt = CudnnType::kI32;
    constexpr auto kBool = CudnnType::kBool;
    const CudnnTensor row = g_.pointwise({CudnnPointwise::kIndex, kInt, 2}, kInt, s);
    const CudnnTensor col = g_.pointwise({CudnnPointwise::kIndex, kInt, 3}, kInt, s);
    const CudnnTensor rows = g_.pointwise({CudnnPointwise::kLess, kBool}, kBool, row, q_lengths_);
    const CudnnTensor cols = g_.pointwise({CudnnPointwise::kLess, kBool}, kBool, col, kv_lengths_);
    const CudnnTensor both = g_.pointwise({CudnnPointwise::kAnd, kBool}, kBool, rows, cols);
    return selected(s, both);
  }

  // Minus infinity where the query does not see the key.
  CudnnTensor masked(CudnnTensor s) {
    if (!key_.causal) return s;
    constexpr auto kInt = CudnnType::kI32;
    constexpr auto kBool = CudnnType::kBool;
    {
      CudnnTensor row = g_.pointwise({CudnnPointwise::kIndex, CudnnType::kF32, 2}, kInt, s);
      const CudnnTensor col = g_.pointwise({CudnnPointwise::kIndex, CudnnType::kF32, 3}, kInt, s);
      if (key_.ends_meet) {
        row = g_.pointwise({CudnnPointwise::kAdd, kInt, 3}, kInt, row, kv_lengths_);
        row = g_.pointwise({CudnnPointwise::kSub, kInt, 3}, kInt, row, q_lengths_);
      }
      s = selected(s, g_.pointwise({CudnnPointwise::kGreaterEqual, kBool}, kBool, row, col));
    }
    if (key_.window == 0) return s;
    const CudnnTensor row = g_.pointwise({CudnnPointwise::kIndex, CudnnType::kF32, 2}, kInt, s);
    CudnnTensor col = g_.pointwise({CudnnPointwise::kIndex, CudnnType::kF32, 3}, kInt, s);
    if (key_.ends_meet) {
      col = g_.pointwise({CudnnPointwise::kAdd, kInt, 3}, kInt, col,
                         g_.constant(static_cast<std::int32_t>(key_.window)));
      col = g_.pointwise({CudnnPointwise::kSub, kInt, 3}, kInt, col, kv_lengths_);
      col = g_.pointwise({CudnnPointwise::kAdd, kInt, 3}, kInt, col, q_lengths_);
    } else {
      col = g_.pointwise({CudnnPointwise::kAdd, CudnnType::kF32, 3}, CudnnType::kF32, col,
                         g_.constant(static_cast<float>(key_.window)));
    }
    return selected(s, g_.pointwise({CudnnPointwise::kGreater, kBool}, kBool, col, row));
  }

  CudnnTensor selected(const CudnnTensor& s, const CudnnTensor& where) {
    const CudnnTensor nothing = g_.constant(-std::numeric_limits<float>::infinity());
    return g_.pointwise({CudnnPointwise::kSelect}, CudnnType::kF32, s, nothing, where);
  }

  // dout . out of a head and token.
  CudnnTensor row_sums(const CudnnTensor& dout) {
    const CudnnDims d = dout.dims;
    // Never in memory; strides as the frontend gives them.
    const CudnnTensor product =
        g_.between(CudnnType::kF32, d, {d[1] * d[2] * d[3], d[2] * d[3], d[1] * d[3], 1});
    g_.pointwise({CudnnPointwise::kMul}, dout, queries(Of::kOut), {}, product);
    const CudnnTensor sum = g_.between(CudnnType::kF32, row_dims());
    g_.reduce(CudnnReduce::kAdd, product, sum);
    const CudnnTensor sums = g_.memory(static_cast<std::int64_t>(Of::kRowSums), CudnnType::kF32, row_dims(),
                                       {key_.heads * key_.q_rows, key_.q_rows, 1, 1});
    g_.pointwise({CudnnPointwise::kMul}, sum, g_.constant(1.0F), {}, sums);
    return sums;
  }

  // weights^T rows: weights [batch, heads, q_rows, kv_rows]; heads that share keys are added up.
  void key_gradient(const CudnnTensor& weights, const CudnnTensor& rows, Of id) {
    const CudnnDims d = {key_.batch, key_.heads, key_.kv_rows, key_.q_rows};
    const CudnnTensor turned =
        g_.between(CudnnType::kBf16, d,
                   {weights.strides[0], weights.strides[1], weights.strides[3], weights.strides[2]});
    g_.reshape(weights, turned);
    const CudnnGraph::Lengths lengths = {kv_lengths_, {}, q_lengths_};
    const CudnnTensor to = keys(id, false);
    if (key_.heads == key_.kv_heads) return g_.multiply(turned, rows, lengths, to);
    const CudnnTensor every =
        g_.between(CudnnType::kBf16, {key_.batch, key_.heads, key_.kv_rows, key_.head_dim});
    g_.multiply(turned, rows, lengths, every);
    g_.reduce(CudnnReduce::kAdd, every, to);
  }

  CudnnGraph g_;
  const CudnnAttentionKey& key_;
  CudnnTensor q_offsets_, kv_offsets_, stats_offsets_, q_lengths_, kv_lengths_, scale_, cap_, before_tanh_;
};

}  // namespace

std::unique_ptr<CudnnPlan> plan_attention(const CudnnCalls& calls, void* handle,
                                          const CudnnAttentionKey& key) {
  AttentionGraph graph(calls, key);
  if (key.backward) {
    graph.backward();
  } else {
    graph.forward();
  }
  return graph.build(handle);
}

}  // namespace lq::backends::cuda
