#include "backends/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

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

struct Job {
  std::int64_t segment = 0;
  std::int64_t head = 0;
  std::int64_t q0 = 0;  // first query, within the segment
};

// What a row's online softmax has seen before its first score: nothing, or the head's sink.
struct RowStart {
  float peak = -std::numeric_limits<float>::infinity();
  float total = 0.0F;
};

RowStart row_start(ConstVector sinks, std::int64_t head) {
  if (sinks.empty()) return {};
  return {sinks[static_cast<std::size_t>(head)], 1.0F};
}

// One query: dot products and one weighted sum; a matrix product would not pay.
void forward_one(const AttentionShape& s, const AttentionSegment& segment, std::int64_t head, std::int64_t i,
                 RowStart start, ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out, Matrix lse) {
  const std::int64_t kv_at = head / (s.heads / s.kv_heads) * s.head_dim;
  const KeyRange range = visible(segment, s, i, 0, segment.kv_count);
  const std::int64_t count = range.end - range.begin;
  const float* query = q.row(segment.q_begin + i) + head * s.head_dim;
  float* to = out.row(segment.q_begin + i) + head * s.head_dim;
  std::vector<float> scores(static_cast<std::size_t>(count));
  for (std::int64_t j = 0; j < count; ++j) {
    const float* key = k.row(segment.kv_begin + range.begin + j) + kv_at;
    scores[static_cast<std::size_t>(j)] = s.scale * dot(s.head_dim, query, key);
  }
  if (s.soft_cap > 0.0F) backends::soft_cap_forward(count, s.soft_cap, scores.data());
  float peak = start.peak;
  float total = start.total;
  online_softmax(count, scores.data(), &peak, &total);
  std::fill(to, to + s.head_dim, 0.0F);
  for (std::int64_t j = 0; j < count; ++j) {
    const float* value = v.row(segment.kv_begin + range.begin + j) + kv_at;
    axpy(s.head_dim, scores[static_cast<std::size_t>(j)] / total, value, to);
  }
  if (lse.data != nullptr) lse.row(head)[segment.q_begin + i] = peak + std::log(total);
}

void forward_block(Context& ctx, const AttentionShape& s, const AttentionSegment& segment, const Job& job,
                   RowStart start, ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out, Matrix lse) {
  const std::int64_t rows = std::min(kQueries, segment.q_count - job.q0);
  const std::int64_t kv_at = job.head / (s.heads / s.kv_heads) * s.head_dim;
  const std::int64_t q_row = segment.q_begin + job.q0;
  const float* query = q.row(q_row) + job.head * s.head_dim;
  float* to = out.row(q_row) + job.head * s.head_dim;
  std::vector<float> scores(static_cast<std::size_t>(rows * kKeys));
  std::vector<float> peak(static_cast<std::size_t>(rows), start.peak);
  std::vector<float> total(static_cast<std::size_t>(rows), start.total);
  const KeyRange keys = keys_of(segment, s, job.q0, job.q0 + rows);
  for (std::int64_t k0 = keys.begin; k0 < keys.end; k0 += kKeys) {
    const std::int64_t count = std::min(kKeys, keys.end - k0);
    const float* key = k.row(segment.kv_begin + k0) + kv_at;
    const float* value = v.row(segment.kv_begin + k0) + kv_at;
    gemm(ctx.pool, rows, count, s.head_dim, query, q.cols, key, k.cols, scores.data(), count,
         {.trans_b = true, .alpha = s.scale});
    const bool first = k0 == keys.begin;
    for (std::int64_t i = 0; i < rows; ++i) {
      float* row = scores.data() + i * count;
      const KeyRange seen = visible(segment, s, job.q0 + i, k0, k0 + count);
      std::fill(row, row + seen.begin, 0.0F);
      std::fill(row + seen.end, row + count, 0.0F);
      if (seen.begin == seen.end) continue;
      if (s.soft_cap > 0.0F) backends::soft_cap_forward(seen.end - seen.begin, s.soft_cap, row + seen.begin);
      const auto at = static_cast<std::size_t>(i);
      const float keep = online_softmax(seen.end - seen.begin, row + seen.begin, &peak[at], &total[at]);
      if (!first && keep != 1.0F) scale_by(s.head_dim, keep, to + i * out.cols);
    }
    gemm(ctx.pool, rows, s.head_dim, count, scores.data(), count, value, v.cols, to, out.cols,
         {.beta = first ? 0.0F : 1.0F});
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    scale_by(s.head_dim, 1.0F / total[at], to + i * out.cols);
    if (lse.data != nullptr) lse.row(job.head)[q_row + i] = peak[at] + std::log(total[at]);
  }
}

}  // namespace

void attention_forward(Context& ctx, const AttentionShape& s, std::span<const AttentionSegment> segments,
                       ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out, Matrix lse,
                       ConstVector sinks) {
  std::vector<Job> jobs;
  for (std::size_t g = 0; g < segments.size(); ++g) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      for (std::int64_t q0 = 0; q0 < segments[g].q_count; q0 += kQueries) {
        jobs.push_back({static_cast<std::int64_t>(g), head, q0});
      }
    }
  }
  ctx.pool.run(std::ssize(jobs), [&](std::int64_t j) {
    const Job& job = jobs[static_cast<std::size_t>(j)];
    const AttentionSegment& segment = segments[static_cast<std::size_t>(job.segment)];
    const RowStart start = row_start(sinks, job.head);
    if (segment.q_count == 1) {
      forward_one(s, segment, job.head, 0, start, q, k, v, out, lse);
    } else {
      forward_block(ctx, s, segment, job, start, q, k, v, out, lse);
    }
  });
}

}  // namespace lq::backends::cpu
