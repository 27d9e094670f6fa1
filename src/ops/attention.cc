#include "ops/attention.h"

#include "backends/cpu/attention.h"
#include "backends/cuda/attention.h"
#include "ops/dispatch.h"
#include "ops/matmul.h"

namespace lq {
namespace {

void check(const AttentionShape& s, std::span<const AttentionSegment> segments, ConstMatrix q, ConstMatrix k,
           ConstMatrix v) {
  LQ_CHECK(s.kv_heads > 0 && s.heads % s.kv_heads == 0, kMismatch,
           "[attention] {} heads cannot share {} key/value heads evenly", s.heads, s.kv_heads);
  LQ_CHECK(s.causal || s.window == 0, kUnsupported,
           "[attention] a window of {} over whole sequences is not computed", s.window);
  check_shape("attention q", q, q.rows, s.heads * s.head_dim);
  check_shape("attention k", k, k.rows, s.kv_heads * s.head_dim);
  check_shape("attention v", v, k.rows, s.kv_heads * s.head_dim);
  for (const auto& g : segments) {
    LQ_CHECK(g.q_begin >= 0 && g.q_begin + g.q_count <= q.rows && g.kv_begin >= 0 &&
                 g.kv_begin + g.kv_count <= k.rows && g.q_count <= g.kv_count,
             kMismatch, "[attention] a segment of {} queries at {} and {} keys at {} exceeds {} and {} rows",
             g.q_count, g.q_begin, g.kv_count, g.kv_begin, q.rows, k.rows);
  }
}

void check_sinks(const AttentionShape& s, ConstVector sinks) {
  LQ_CHECK(std::ssize(sinks) == s.heads, kMismatch, "[attention] {} sinks for {} heads", sinks.size(),
           s.heads);
}

backends::cuda::AttentionInput cuda_input(Context& ctx, const AttentionShape& s,
                                          std::span<const AttentionSegment> segments, ConstMatrix q,
                                          ConstMatrix k, ConstMatrix v) {
  backends::cuda::AttentionInput in;
  in.shape = s;
  in.segments = segments.data();
  in.segment_count = std::ssize(segments);
  in.tokens = q.rows;
  in.kv_tokens = k.rows;
  in.q = q.data;
  in.k = k.data;
  in.v = v.data;
  in.precision = cuda_precision(ctx);
  return in;
}

// What the device has to say of attention, once.
void tell(Context& ctx, DeviceQueue& queue) {
  if (const std::string note = backends::cuda::take_attention_note(queue); !note.empty())
    ctx.progress.note(note);
}

}  // namespace

std::vector<AttentionSegment> whole_segments(std::span<const std::int64_t> starts) {
  std::vector<AttentionSegment> segments;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    const std::int64_t count = starts[i + 1] - starts[i];
    if (count > 0) segments.push_back({starts[i], count, starts[i], count});
  }
  return segments;
}

void attention_forward(Context& ctx, const AttentionShape& s, std::span<const AttentionSegment> segments,
                       ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out, Matrix lse,
                       ConstVector sinks) {
  check(s, segments, q, k, v);
  if (!sinks.empty()) check_sinks(s, sinks);
  check_shape("attention out", out, q.rows, q.cols);
  if (lse.data != nullptr) check_shape("attention lse", lse, s.heads, q.rows);
  const Device device =
      common_device("attention_forward", {{"q", q.device},
                                          {"k", k.device},
                                          {"v", v.device},
                                          {"out", out.device},
                                          {"lse", lse.data == nullptr ? out.device : lse.device},
                                          {"sinks", sinks.empty() ? out.device : sinks.device()}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::attention_forward(ctx, s, segments, q, k, v, out, lse, sinks);
    case DeviceKind::kCuda: {
      backends::cuda::AttentionInput in = cuda_input(ctx, s, segments, q, k, v);
      if (!sinks.empty()) in.sinks = sinks.data();
      backends::cuda::attention_forward(queue_of(ctx, "attention_forward", device), in, out.data, lse.data);
      return tell(ctx, *ctx.queue);
    }
  }
}

void attention_backward(Context& ctx, const AttentionShape& s, std::span<const AttentionSegment> segments,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out, ConstMatrix lse,
                        ConstMatrix dout, Matrix dq, Matrix dk, Matrix dv) {
  check(s, segments, q, k, v);
  check_shape("attention out", out, q.rows, q.cols);
  check_shape("attention lse", lse, s.heads, q.rows);
  check_shape("attention dout", dout, q.rows, q.cols);
  check_shape("attention dq", dq, q.rows, q.cols);
  check_shape("attention dk", dk, k.rows, k.cols);
  check_shape("attention dv", dv, v.rows, v.cols);
  std::int64_t covered = 0;
  for (const auto& g : segments)
    covered += g.q_count == g.kv_count && g.q_begin == g.kv_begin ? g.q_count : 0;
  LQ_CHECK(covered == q.rows && q.rows == k.rows, kMismatch,
           "[attention] whole segments of {} tokens in all, but {} rows", covered, q.rows);
  const Device device = common_device("attention_backward", {{"q", q.device},
                                                             {"k", k.device},
                                                             {"v", v.device},
                                                             {"out", out.device},
                                                             {"lse", lse.device},
                                                             {"dout", dout.device},
                                                             {"dq", dq.device},
                                                             {"dk", dk.device},
                                                             {"dv", dv.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::attention_backward(ctx, s, segments, q, k, v, out, lse, dout, dq, dk, dv);
    case DeviceKind::kCuda:
      backends::cuda::attention_backward(queue_of(ctx, "attention_backward", device),
                                         cuda_input(ctx, s, segments, q, k, v), out.data, lse.data, dout.data,
                                         dq.data, dk.data, dv.data);
      return tell(ctx, *ctx.queue);
  }
}

void attention_sinks_backward(Context& ctx, const AttentionShape& s, ConstVector sinks, ConstMatrix out,
                              ConstMatrix lse, ConstMatrix dout, Vector dsinks) {
  check_sinks(s, sinks);
  check_sinks(s, dsinks);
  check_shape("attention out", out, out.rows, s.heads * s.head_dim);
  check_shape("attention lse", lse, s.heads, out.rows);
  check_shape("attention dout", dout, out.rows, out.cols);
  const Device device = common_device("attention_sinks_backward", {{"sinks", sinks.device()},
                                                                   {"out", out.device},
                                                                   {"lse", lse.device},
                                                                   {"dout", dout.device},
                                                                   {"dsinks", dsinks.device()}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::attention_sinks_backward(ctx, s, sinks, out, lse, dout, dsinks);
    case DeviceKind::kCuda:
      return backends::cuda::attention_sinks_backward(queue_of(ctx, "attention_sinks_backward", device), s,
                                                      out.rows, sinks.data(), out.data, lse.data, dout.data,
                                                      dsinks.data());
  }
}

}  // namespace lq
