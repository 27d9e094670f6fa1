#include "backends/cuda/attention.h"

#include <algorithm>
#include <vector>

#include "backends/cuda/attention_blocks.h"
#include "backends/cuda/attention_kernels.h"
#include "backends/cuda/blas.h"
#include "backends/cuda/cudnn_attention.h"
#include "backends/cuda/device.h"
#include "backends/cuda/queue.h"
#include "backends/cuda/weights.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

// Shorter segments are not worth blocks.
constexpr std::int64_t kLeastQueries = 16;
constexpr std::int64_t kMostScores = std::int64_t{1} << 24;  // 64 MiB in f32

bool in_blocks(const DeviceQueue& queue, const AttentionSegment& s) {
  return queue.blas != nullptr && s.q_count >= kLeastQueries;
}

// Those that go by rows, counted by queries or by keys.
std::vector<SegmentRows> by_rows(const DeviceQueue& queue, const AttentionInput& in, bool by_keys,
                                 std::int64_t& rows) {
  std::vector<SegmentRows> all;
  rows = 0;
  for (std::int64_t i = 0; i < in.segment_count; ++i) {
    const AttentionSegment& s = in.segments[i];
    if (s.q_count == 0 || in_blocks(queue, s)) continue;
    all.push_back({s, rows});
    rows += by_keys ? s.kv_count : s.q_count;
  }
  return all;
}

AttentionRows rows_of(DeviceQueue& queue, const AttentionInput& in, bool by_keys) {
  std::int64_t rows = 0;
  const std::vector<SegmentRows> segments = by_rows(queue, in, by_keys, rows);
  const void* const alone = in.segment_count == 1 && segments.size() == 1
                                ? staged(queue, in.segments, sizeof *in.segments)
                                : nullptr;
  const SegmentRows* const there = segments.empty() || alone != nullptr
                                       ? nullptr
                                       : upload_constants(queue, segments.data(), std::ssize(segments));
  return {in.shape,
          there,
          static_cast<const AttentionSegment*>(alone),
          static_cast<int>(segments.size()),
          rows,
          in.tokens,
          in.q,
          in.k,
          in.v,
          in.sinks};
}

// Does a block's steps on the device.
class Steps {
 public:
  Steps(DeviceQueue& queue, const AttentionInput& in) : queue_(queue), in_(in) {
    bf16_ = in.precision == Precision::kBf16 && queue.has_bf16();
  }

  void set(AttentionOperand of, const float* data) { place(of) = data; }
  // The same, rounded to bf16 where products are.
  void set_input(AttentionOperand of, const float* data, std::int64_t count, Buffer room) {
    place(of) = data;
    if (!bf16_) return;
    auto* const rounded = buffer_of<std::uint16_t>(queue_, room, count);
    narrow(queue_, count, data, rounded);
    place(of) = rounded;
  }
  void make_room(std::int64_t scores, bool backward) {
    const std::int64_t number = bf16_ ? sizeof(std::uint16_t) : sizeof(float);
    place(AttentionOperand::kScores) = buffer_of<float>(queue_, Buffer::kScores, scores);
    place(AttentionOperand::kProbabilities) =
        buffer_of<std::byte>(queue_, Buffer::kProbabilities, scores * number);
    if (!backward) return;
    place(AttentionOperand::kScoreGrads) = buffer_of<float>(queue_, Buffer::kScoreGrads, scores);
    place(AttentionOperand::kProbabilityGrads) =
        buffer_of<std::byte>(queue_, Buffer::kProbabilityGrads, scores * number);
  }
  void set_log_sums(float* lse) { new_lse_ = lse; }
  void set_saved(const float* lse, const float* delta) {
    lse_ = lse;
    delta_ = delta;
  }

  void product(const AttentionProduct& p) {
    BlasProduct q;
    q.m = p.m;
    q.n = p.n;
    q.k = p.k;
    q.batch = p.batch;
    q.type = bf16_ ? BlasType::kBf16 : BlasType::kF32;
    q.tf32 = in_.precision != Precision::kF32;
    q.a = matrix(p.a);
    q.b = matrix(p.b);
    // What products write is f32 always, and ours.
    q.c = const_cast<float*>(static_cast<const float*>(place(p.c.of))) + p.c.offset;
    q.ldc = p.c.ld;
    q.stride_c = p.c.stride;
    q.beta = p.beta;
    queue_.blas->multiply(q);
  }
  void softmax(const ScoreBlock& b) {
    block_softmax(queue_, in_.shape, b, scores(AttentionOperand::kScores), in_.sinks, bf16_,
                  room(AttentionOperand::kProbabilities), new_lse_);
  }
  void gradients(const ScoreBlock& b) {
    block_gradients(queue_, in_.shape, b, scores(AttentionOperand::kScores),
                    scores(AttentionOperand::kScoreGrads), lse_, delta_, bf16_,
                    room(AttentionOperand::kProbabilities), room(AttentionOperand::kProbabilityGrads));
  }

 private:
  const void*& place(AttentionOperand of) { return places_[static_cast<std::size_t>(of)]; }
  const float* scores(AttentionOperand of) { return static_cast<const float*>(place(of)); }
  void* room(AttentionOperand of) { return const_cast<void*>(place(of)); }
  BlasMatrix matrix(const AttentionMatrix& m) {
    const std::int64_t number = bf16_ ? sizeof(std::uint16_t) : sizeof(float);
    return {static_cast<const std::byte*>(place(m.of)) + m.offset * number, m.ld, m.stride, m.transposed};
  }

  DeviceQueue& queue_;
  const AttentionInput& in_;
  bool bf16_ = false;
  float* new_lse_ = nullptr;
  const float *lse_ = nullptr, *delta_ = nullptr;
  const void* places_[12] = {};
};

void check_shape_of(const AttentionInput& in) {
  LQ_CHECK(in.shape.head_dim <= kMostHeadDim, kUnsupported,
           "[cuda] attention: heads of {} dimensions, but at most {} run on a CUDA device", in.shape.head_dim,
           kMostHeadDim);
}

// The largest of the blocks' scores, 0 where no segment goes in blocks.
std::int64_t most_scores(const DeviceQueue& queue, const AttentionInput& in, const AttentionBlocks& blocks) {
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < in.segment_count; ++i) {
    if (in_blocks(queue, in.segments[i])) most = std::max(most, blocks.scores(in.segments[i]));
  }
  return most;
}

void set_inputs(Steps& steps, const AttentionInput& in) {
  const std::int64_t kv = in.kv_tokens * in.shape.kv_heads * in.shape.head_dim;
  steps.set_input(AttentionOperand::kQ, in.q, in.tokens * in.shape.heads * in.shape.head_dim,
                  Buffer::kQueries);
  steps.set_input(AttentionOperand::kK, in.k, kv, Buffer::kKeys);
  steps.set_input(AttentionOperand::kV, in.v, kv, Buffer::kValues);
}

// The segments that cuDNN may compute, and those that it may not.
struct Shares {
  std::vector<AttentionSegment> large, others;
  explicit Shares(const AttentionInput& in) {
    for (std::int64_t i = 0; i < in.segment_count; ++i) {
      const AttentionSegment& s = in.segments[i];
      (s.q_count >= kLeastQueries ? large : others).push_back(s);
    }
  }
  AttentionInput without_large(AttentionInput in) const {
    in.segments = others.data();
    in.segment_count = std::ssize(others);
    return in;
  }
};

// Its graph knows no sinks; backward has them in the log-sums.
bool wants_cudnn(const DeviceQueue& queue, const AttentionInput& in) {
  return in.precision == Precision::kBf16 && queue.has_bf16() && in.sinks == nullptr;
}

}  // namespace

void attention_forward(DeviceQueue& queue, const AttentionInput& in, float* out, float* lse) {
  check_shape_of(in);
  if (wants_cudnn(queue, in)) {
    const Shares shares(in);
    if (!shares.large.empty() && cudnn_of(queue).forward(queue, in, shares.large, out, lse))
      return attention_forward_by_own(queue, shares.without_large(in), out, lse);
  }
  attention_forward_by_own(queue, in, out, lse);
}

void attention_backward(DeviceQueue& queue, const AttentionInput& in, const float* out, const float* lse,
                        const float* dout, float* dq, float* dk, float* dv) {
  check_shape_of(in);
  if (in.tokens == 0) return;
  const std::int64_t kv = in.kv_tokens * in.shape.kv_heads * in.shape.head_dim;
  set_to_zero(queue, dk, static_cast<std::size_t>(kv) * sizeof(float));
  set_to_zero(queue, dv, static_cast<std::size_t>(kv) * sizeof(float));
  if (wants_cudnn(queue, in)) {
    const Shares shares(in);
    if (!shares.large.empty() &&
        cudnn_of(queue).backward(queue, in, shares.large, out, lse, dout, dq, dk, dv)) {
      if (!shares.others.empty())
        attention_backward_by_own(queue, shares.without_large(in), out, lse, dout, dq, dk, dv);
      return;
    }
  }
  attention_backward_by_own(queue, in, out, lse, dout, dq, dk, dv);
}

std::string attention_library(DeviceQueue& queue) { return cudnn_of(queue).text(queue); }

std::string take_attention_note(DeviceQueue& queue) {
  return queue.cudnn == nullptr ? std::string{} : queue.cudnn->take_note();
}

void attention_forward_by_own(DeviceQueue& queue, const AttentionInput& in, float* out, float* lse) {
  const AttentionRows rows = rows_of(queue, in, false);
  if (rows.rows > 0) forward_rows(queue, rows, out, lse);
  const AttentionBlocks blocks(in.shape, in.tokens, kMostScores);
  const std::int64_t scores = most_scores(queue, in, blocks);
  if (scores == 0) return;
  Steps steps(queue, in);
  set_inputs(steps, in);
  steps.set(AttentionOperand::kOut, out);
  steps.set_log_sums(lse);
  steps.make_room(scores, false);
  for (std::int64_t i = 0; i < in.segment_count; ++i) {
    if (in_blocks(queue, in.segments[i])) blocks.forward(in.segments[i], steps);
  }
}

void attention_backward_by_own(DeviceQueue& queue, const AttentionInput& in, const float* out,
                               const float* lse, const float* dout, float* dq, float* dk, float* dv) {
  auto* const delta = buffer_of<float>(queue, Buffer::kDelta, in.shape.heads * in.tokens);
  row_deltas(queue, in.shape, in.tokens, out, dout, delta);
  const AttentionRows queries = rows_of(queue, in, false);
  if (queries.rows > 0) {
    query_gradients(queue, queries, lse, delta, dout, dq);
    key_gradients(queue, rows_of(queue, in, true), lse, delta, dout, dk, dv);
  }
  const AttentionBlocks blocks(in.shape, in.tokens, kMostScores);
  const std::int64_t scores = most_scores(queue, in, blocks);
  if (scores == 0) return;
  Steps steps(queue, in);
  set_inputs(steps, in);
  steps.set_input(AttentionOperand::kDout, dout, in.tokens * in.shape.heads * in.shape.head_dim,
                  Buffer::kOutGrads);
  steps.set(AttentionOperand::kDq, dq);
  steps.set(AttentionOperand::kDk, dk);
  steps.set(AttentionOperand::kDv, dv);
  steps.set_saved(lse, delta);
  steps.make_room(scores, true);
  for (std::int64_t i = 0; i < in.segment_count; ++i) {
    if (in_blocks(queue, in.segments[i])) blocks.backward(in.segments[i], steps);
  }
}

void attention_sinks_backward(DeviceQueue& queue, const AttentionShape& shape, std::int64_t tokens,
                              const float* sinks, const float* out, const float* lse, const float* dout,
                              float* dsinks) {
  if (tokens == 0) return;
  auto* const delta = buffer_of<float>(queue, Buffer::kDelta, shape.heads * tokens);
  row_deltas(queue, shape, tokens, out, dout, delta);
  sink_gradients(queue, shape.heads, tokens, sinks, lse, delta, dsinks);
}

}  // namespace lq::backends::cuda
