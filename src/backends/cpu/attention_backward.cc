#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/cpu/attention.h"
#include "backends/cpu/attention_blocks.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/transformer_activation.h"
#include "backends/cpu/transformer_elementwise.h"
#include "backends/cpu/transformer_softmax.h"

namespace lq::backends::cpu {
namespace {

using attention_blocks::KeyRange;
using attention_blocks::keys_of;
using attention_blocks::kKeys;
using attention_blocks::kQueries;
using attention_blocks::visible;

struct Tensors {
  ConstMatrix q, k, v, out, lse, dout;
  Matrix dq;
  Matrix dk;  // [tokens, heads * head_dim]: one part per query head, zero at first
  Matrix dv;
};

void backward_head(Context& ctx, const AttentionShape& s, const AttentionSegment& segment, std::int64_t head,
                   const Tensors& t) {
  const std::int64_t dim = s.head_dim;
  const std::int64_t q_at = head * dim;
  const std::int64_t kv_at = head / (s.heads / s.kv_heads) * dim;
  std::vector<float> p(static_cast<std::size_t>(kQueries * kKeys));
  std::vector<float> dp(p.size());
  std::vector<float> delta(static_cast<std::size_t>(kQueries));
  std::vector<float> capped(s.soft_cap > 0.0F ? static_cast<std::size_t>(kKeys) : 0);
  for (std::int64_t q0 = 0; q0 < segment.q_count; q0 += kQueries) {
    const std::int64_t rows = std::min(kQueries, segment.q_count - q0);
    const std::int64_t q_row = segment.q_begin + q0;
    const float* query = t.q.row(q_row) + q_at;
    const float* dout = t.dout.row(q_row) + q_at;
    float* dq = t.dq.row(q_row) + q_at;
    for (std::int64_t i = 0; i < rows; ++i) {
      // sum_j p_ij dp_ij = dout_i . out_i
      delta[static_cast<std::size_t>(i)] = dot(dim, dout + i * t.dout.cols, t.out.row(q_row + i) + q_at);
    }
    const KeyRange keys = keys_of(segment, s, q0, q0 + rows);
    for (std::int64_t k0 = keys.begin; k0 < keys.end; k0 += kKeys) {
      const std::int64_t count = std::min(kKeys, keys.end - k0);
      const std::int64_t kv_row = segment.kv_begin + k0;
      const float* key = t.k.row(kv_row) + kv_at;
      const float* value = t.v.row(kv_row) + kv_at;
      float* dk = t.dk.row(kv_row) + q_at;
      float* dv = t.dv.row(kv_row) + q_at;
      gemm(ctx.pool, rows, count, dim, query, t.q.cols, key, t.k.cols, p.data(), count,
           {.trans_b = true, .alpha = s.scale});
      gemm(ctx.pool, rows, count, dim, dout, t.dout.cols, value, t.v.cols, dp.data(), count,
           {.trans_b = true});
      for (std::int64_t i = 0; i < rows; ++i) {
        float* row = p.data() + i * count;
        float* drow = dp.data() + i * count;
        const KeyRange seen = visible(segment, s, q0 + i, k0, k0 + count);
        std::fill(row, row + seen.begin, 0.0F);
        std::fill(row + seen.end, row + count, 0.0F);
        std::fill(drow, drow + seen.begin, 0.0F);
        std::fill(drow + seen.end, drow + count, 0.0F);
        const std::int64_t n = seen.end - seen.begin;
        if (s.soft_cap > 0.0F) {
          backends::soft_cap_forward(n, s.soft_cap, row + seen.begin);
          std::copy_n(row + seen.begin, n, capped.data());
        }
        exp_shifted(n, t.lse.row(head)[q_row + i], row + seen.begin);
        softmax_scores_backward(n, row + seen.begin, delta[static_cast<std::size_t>(i)], s.scale,
                                drow + seen.begin);
        if (s.soft_cap > 0.0F) backends::soft_cap_backward(n, s.soft_cap, capped.data(), drow + seen.begin);
      }
      gemm(ctx.pool, count, dim, rows, p.data(), count, dout, t.dout.cols, dv, t.dv.cols,
           {.trans_a = true, .beta = 1.0F});
      gemm(ctx.pool, rows, dim, count, dp.data(), count, key, t.k.cols, dq, t.dq.cols,
           {.beta = k0 == keys.begin ? 0.0F : 1.0F});
      gemm(ctx.pool, count, dim, rows, dp.data(), count, query, t.q.cols, dk, t.dk.cols,
           {.trans_a = true, .beta = 1.0F});
    }
  }
}

// to[t, g] = sum over the group's query heads of from[t, h], in head order.
void reduce_groups(Context& ctx, const AttentionShape& s, ConstMatrix from, Matrix to) {
  const std::int64_t group = s.heads / s.kv_heads;
  parallel_for(ctx.pool, to.rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t g = 0; g < s.kv_heads; ++g) {
        const float* heads = from.row(t) + g * group * s.head_dim;
        float* sum = to.row(t) + g * s.head_dim;
        std::copy(heads, heads + s.head_dim, sum);
        for (std::int64_t h = 1; h < group; ++h) add_to(s.head_dim, heads + h * s.head_dim, sum);
      }
    }
  });
}

}  // namespace

void attention_backward(Context& ctx, const AttentionShape& s, std::span<const AttentionSegment> segments,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out, ConstMatrix lse,
                        ConstMatrix dout, Matrix dq, Matrix dk, Matrix dv) {
  // Query heads of one group add to the same keys: each gets its own part, reduced afterwards in head order.
  const bool grouped = s.heads != s.kv_heads;
  std::vector<float> parts(grouped ? static_cast<std::size_t>(2 * q.size()) : 0);
  Tensors t{q, k, v, out, lse, dout, dq, dk, dv};
  if (grouped) {
    t.dk = {parts.data(), q.rows, q.cols};
    t.dv = {parts.data() + q.size(), q.rows, q.cols};
  } else {
    std::fill(dk.data, dk.data + dk.size(), 0.0F);
    std::fill(dv.data, dv.data + dv.size(), 0.0F);
  }
  ctx.pool.run(std::ssize(segments) * s.heads, [&](std::int64_t job) {
    backward_head(ctx, s, segments[static_cast<std::size_t>(job / s.heads)], job % s.heads, t);
  });
  if (!grouped) return;
  reduce_groups(ctx, s, t.dk, dk);
  reduce_groups(ctx, s, t.dv, dv);
}

void attention_sinks_backward(Context& ctx, const AttentionShape& s, ConstVector sinks, ConstMatrix out,
                              ConstMatrix lse, ConstMatrix dout, Vector dsinks) {
  ctx.pool.run(s.heads, [&](std::int64_t head) {
    const auto h = static_cast<std::size_t>(head);
    const std::int64_t at = head * s.head_dim;
    double sum = 0.0;
    for (std::int64_t t = 0; t < out.rows; ++t) {
      // The sink's value is 0: its score's slope is -p (sum_j p_j dp_j).
      const float share = std::exp(sinks[h] - lse.row(head)[t]);
      sum -= double{share} * double{dot(s.head_dim, dout.row(t) + at, out.row(t) + at)};
    }
    dsinks[h] += static_cast<float>(sum);
  });
}

}  // namespace lq::backends::cpu
