#include "backends/cuda/cudnn_attention.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "backends/cuda/attention_kernels.h"
#include "backends/cuda/attention_layout.h"
#include "backends/cuda/device.h"
#include "backends/cuda/queue.h"
#include "backends/cuda/weights.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

using Of = CudnnAttentionTensor;

// Backward keeps ds of all heads and sequences of a call, in bf16: 256 MiB at most.
constexpr std::int64_t kMostScoresKept = std::int64_t{1} << 27;
constexpr std::int64_t kDimUnit = 8;  // rows of heads begin on multiples of 16 bytes

CudnnPlace place(Of of, const void* data) { return {static_cast<std::int64_t>(of), data}; }

// Where each sequence of a call begins, and how long it is, on the device.
struct CallInts {
  const std::int32_t *q_offsets, *kv_offsets, *stats_offsets, *q_lengths, *kv_lengths;

  CallInts(DeviceQueue& queue, const CudnnCall& call, const CudnnAttentionKey& key) {
    const std::int64_t n = std::ssize(call.segments);
    const std::int64_t run = (n + 1 + 63) / 64 * 64;  // each begins on a multiple of 256 bytes
    std::vector<std::int32_t> all(static_cast<std::size_t>(5 * run));
    const auto put = [&](std::int64_t which, std::int64_t i, std::int64_t value) {
      all[static_cast<std::size_t>(which * run + i)] = static_cast<std::int32_t>(value);
    };
    for (std::int64_t i = 0; i <= n; ++i) {
      const AttentionSegment& s = call.segments[static_cast<std::size_t>(std::min(i, n - 1))];
      const std::int64_t q = s.q_begin + (i == n ? s.q_count : 0);
      const std::int64_t kv = s.kv_begin + (i == n ? s.kv_count : 0);
      put(0, i, q * key.width);
      put(1, i, kv * key.kv_width);
      put(2, i, q * key.heads);
      if (i == n) break;
      put(3, i, s.q_count);
      put(4, i, s.kv_count);
    }
    const std::int32_t* const there = upload_constants(queue, all.data(), std::ssize(all));
    q_offsets = there;
    kv_offsets = there + run;
    stats_offsets = there + 2 * run;
    q_lengths = there + 3 * run;
    kv_lengths = there + 4 * run;
  }
  void add_to(std::vector<CudnnPlace>& places) const {
    places.push_back(place(Of::kQOffsets, q_offsets));
    places.push_back(place(Of::kKvOffsets, kv_offsets));
    places.push_back(place(Of::kStatsOffsets, stats_offsets));
    places.push_back(place(Of::kQLengths, q_lengths));
    places.push_back(place(Of::kKvLengths, kv_lengths));
  }
};

// All rows of the segments, for the kernels of attention_layout.h.
struct RowsOnDevice {
  PackedRows queries{}, keys{};
  std::int64_t query_rows = 0, key_rows = 0;

  RowsOnDevice(DeviceQueue& queue, std::span<const AttentionSegment> segments, bool with_keys) {
    std::vector<SegmentRows> all;
    for (const AttentionSegment& s : segments) {
      all.push_back({s, query_rows});
      query_rows += s.q_count;
    }
    const int count = static_cast<int>(all.size());
    queries = {upload_constants(queue, all.data(), count), count, false};
    if (!with_keys) return;
    for (SegmentRows& s : all) {
      s.first = key_rows;
      key_rows += s.segment.kv_count;
    }
    keys = {upload_constants(queue, all.data(), count), count, true};
  }
};

std::uint16_t* rounded(DeviceQueue& queue, Buffer room, std::int64_t count, const float* x) {
  auto* const to = buffer_of<std::uint16_t>(queue, room, count);
  narrow(queue, count, x, to);
  return to;
}

std::int64_t q_numbers(const AttentionInput& in) { return in.tokens * in.shape.heads * in.shape.head_dim; }
std::int64_t kv_numbers(const AttentionInput& in) {
  return in.kv_tokens * in.shape.kv_heads * in.shape.head_dim;
}

}  // namespace

CudnnAttention& cudnn_of(DeviceQueue& queue) {
  if (queue.cudnn == nullptr) {
    const cudaStream_t stream = use(queue);
    queue.cudnn = new CudnnAttention(Cudnn::open(stream, queue.capability));
  }
  return *queue.cudnn;
}

const CudnnPlan* CudnnAttention::plan(const CudnnAttentionKey& key) {
  const auto [at, is_new] = plans_.try_emplace(key);
  if (is_new) {
    try {
      at->second = plan_attention(cudnn_->calls(), cudnn_->handle(), key);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::kUnsupported) throw;
    }
  }
  return at->second.get();
}

std::vector<CudnnAttention::Work> CudnnAttention::work(const AttentionInput& in,
                                                       std::span<const AttentionSegment> segments,
                                                       bool backward) {
  const AttentionShape& s = in.shape;
  constexpr std::int64_t kMostOffset = std::numeric_limits<std::int32_t>::max();
  if (s.head_dim % kDimUnit != 0 || q_numbers(in) > kMostOffset || kv_numbers(in) > kMostOffset) return {};
  const std::int64_t most = backward ? kMostScoresKept / s.heads : std::numeric_limits<std::int64_t>::max();
  std::vector<Work> all;
  for (CudnnCall& call : cudnn_calls(segments, most)) {
    const std::int64_t scores = std::ssize(call.segments) * call.q_rows * call.kv_rows;
    const std::int64_t together =
        backward ? heads_together(s.heads, s.kv_heads, scores, kMostScoresKept) : s.kv_heads;
    if (together == 0) return {};
    CudnnAttentionKey key;
    key.backward = backward;
    key.batch = std::ssize(call.segments);
    key.q_rows = call.q_rows;
    key.kv_rows = call.kv_rows;
    key.heads = together * (s.heads / s.kv_heads);
    key.kv_heads = together;
    key.width = s.heads * s.head_dim;
    key.kv_width = s.kv_heads * s.head_dim;
    key.head_dim = s.head_dim;
    key.window = s.window;
    key.scale = s.scale;
    key.soft_cap = s.soft_cap;
    key.causal = s.causal;
    key.ends_meet = call.ends_meet && s.causal;
    const CudnnPlan* const p = plan(key);
    if (p == nullptr) return {};
    all.push_back({std::move(call), key, p});
  }
  return all;
}

bool CudnnAttention::trusts(DeviceQueue& queue, const AttentionInput& in, bool backward, bool ends_meet) {
  const AttentionShape& s = in.shape;
  CudnnKind kind;
  kind.backward = backward;
  kind.causal = s.causal;
  kind.ends_meet = ends_meet;
  kind.window = s.window > 0;
  kind.soft_cap = s.soft_cap > 0.0F;
  kind.head_dim = s.head_dim;
  kind.group = s.heads / s.kv_heads;
  const auto at = trusted_.find(kind);
  if (at != trusted_.end()) return at->second;
  bool& trusted = trusted_[kind];
  try {
    trusted = agrees(queue, in, backward, ends_meet);
  } catch (const Error& e) {  // it does not run, or there is no room for it
    note_ = fmt::format("attention: {} is not used: {}", cudnn_->version(), e.what());
  }
  return trusted;
}

bool CudnnAttention::forward(DeviceQueue& queue, const AttentionInput& in,
                             std::span<const AttentionSegment> segments, float* out, float* lse) {
  if (cudnn_ == nullptr) return false;
  const std::vector<Work> all = work(in, segments, false);
  for (const Work& w : all) {
    if (!trusts(queue, in, false, w.key.ends_meet)) return false;
  }
  if (all.empty()) return false;
  run_forward(queue, in, segments, all, out, lse);
  return true;
}

bool CudnnAttention::backward(DeviceQueue& queue, const AttentionInput& in,
                              std::span<const AttentionSegment> segments, const float* out, const float* lse,
                              const float* dout, float* dq, float* dk, float* dv) {
  if (cudnn_ == nullptr) return false;
  const std::vector<Work> all = work(in, segments, true);
  for (const Work& w : all) {
    if (!trusts(queue, in, true, w.key.ends_meet)) return false;
  }
  if (all.empty()) return false;
  run_backward(queue, in, segments, all, out, lse, dout, dq, dk, dv);
  return true;
}

void CudnnAttention::run_forward(DeviceQueue& queue, const AttentionInput& in,
                                 std::span<const AttentionSegment> segments, const std::vector<Work>& all,
                                 float* out, float* lse) {
  const AttentionShape& s = in.shape;
  const std::uint16_t* const q = rounded(queue, Buffer::kQueries, q_numbers(in), in.q);
  const std::uint16_t* const k = rounded(queue, Buffer::kKeys, kv_numbers(in), in.k);
  const std::uint16_t* const v = rounded(queue, Buffer::kValues, kv_numbers(in), in.v);
  auto* const results = buffer_of<std::uint16_t>(queue, Buffer::kOutRounded, q_numbers(in));
  auto* const stats = buffer_of<float>(queue, Buffer::kStats, in.tokens * s.heads);
  for (const Work& w : all) {
    std::vector<CudnnPlace> places = {place(Of::kQ, q), place(Of::kK, k), place(Of::kV, v),
                                      place(Of::kOut, results), place(Of::kStats, stats)};
    CallInts(queue, w.call, w.key).add_to(places);
    void* const workspace = buffer_of<std::byte>(queue, Buffer::kCudnn, w.plan->workspace);
    w.plan->run(cudnn_->calls(), cudnn_->handle(), places, workspace);
  }
  const RowsOnDevice rows(queue, segments, false);
  widen_rows(queue, rows.queries, rows.query_rows, s.heads * s.head_dim, results, out);
  if (lse != nullptr) make_lse(queue, rows.queries, rows.query_rows, in.tokens, s.heads, stats, lse);
}

void CudnnAttention::run_backward(DeviceQueue& queue, const AttentionInput& in,
                                  std::span<const AttentionSegment> segments, const std::vector<Work>& all,
                                  const float* out, const float* lse, const float* dout, float* dq, float* dk,
                                  float* dv) {
  const AttentionShape& s = in.shape;
  const std::uint16_t* const q = rounded(queue, Buffer::kQueries, q_numbers(in), in.q);
  const std::uint16_t* const k = rounded(queue, Buffer::kKeys, kv_numbers(in), in.k);
  const std::uint16_t* const v = rounded(queue, Buffer::kValues, kv_numbers(in), in.v);
  const std::uint16_t* const results = rounded(queue, Buffer::kOutRounded, q_numbers(in), out);
  const std::uint16_t* const grads = rounded(queue, Buffer::kOutGrads, q_numbers(in), dout);
  auto* const q_grads = buffer_of<std::uint16_t>(queue, Buffer::kQueryGrads, q_numbers(in));
  auto* const k_grads = buffer_of<std::uint16_t>(queue, Buffer::kKeyGrads, kv_numbers(in));
  auto* const v_grads = buffer_of<std::uint16_t>(queue, Buffer::kValueGrads, kv_numbers(in));
  auto* const stats = buffer_of<float>(queue, Buffer::kStats, in.tokens * s.heads);
  const RowsOnDevice rows(queue, segments, true);
  for (const Work& w : all) {
    const CallInts ints(queue, w.call, w.key);
    void* const workspace = buffer_of<std::byte>(queue, Buffer::kCudnn, w.plan->workspace);
    auto* const sums = buffer_of<float>(queue, Buffer::kDelta, w.key.batch * w.key.heads * w.key.q_rows);
    for (std::int64_t kv_head = 0; kv_head < s.kv_heads; kv_head += w.key.kv_heads) {
      const std::int64_t head = kv_head * (s.heads / s.kv_heads);
      const std::int64_t q_at = head * s.head_dim;
      const std::int64_t kv_at = kv_head * s.head_dim;
      make_stats(queue, rows.queries, rows.query_rows, in.tokens, head, w.key.heads, lse, stats);
      std::vector<CudnnPlace> places = {place(Of::kQ, q + q_at),         place(Of::kK, k + kv_at),
                                        place(Of::kV, v + kv_at),        place(Of::kOut, results + q_at),
                                        place(Of::kDout, grads + q_at),  place(Of::kDq, q_grads + q_at),
                                        place(Of::kDk, k_grads + kv_at), place(Of::kDv, v_grads + kv_at),
                                        place(Of::kStats, stats),        place(Of::kRowSums, sums)};
      ints.add_to(places);
      w.plan->run(cudnn_->calls(), cudnn_->handle(), places, workspace);
    }
  }
  widen_rows(queue, rows.queries, rows.query_rows, s.heads * s.head_dim, q_grads, dq);
  widen_rows(queue, rows.keys, rows.key_rows, s.kv_heads * s.head_dim, k_grads, dk);
  widen_rows(queue, rows.keys, rows.key_rows, s.kv_heads * s.head_dim, v_grads, dv);
}

}  // namespace lq::backends::cuda
