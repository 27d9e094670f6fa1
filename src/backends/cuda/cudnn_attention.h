// Attention by cuDNN, where it is there and gives what our own kernels give. Internal to backends/cuda.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backends/cuda/attention.h"
#include "backends/cuda/cudnn.h"
#include "backends/cuda/cudnn_attention_graph.h"
#include "backends/cuda/cudnn_calls.h"

namespace lq::backends::cuda {

// What makes one kind of attention another for cuDNN: each is held against our own kernels before its first
// use.
struct CudnnKind {
  bool backward = false, causal = true, ends_meet = false, window = false, soft_cap = false;
  std::int64_t head_dim = 0;
  std::int64_t group = 1;  // query heads that share a key head
  auto operator<=>(const CudnnKind&) const = default;
};

// Of one queue. Nothing here throws for what cuDNN refuses: then it is false that cuDNN computed it, and
// nothing was written.
class CudnnAttention {
 public:
  // cudnn: null where there is none.
  explicit CudnnAttention(std::unique_ptr<Cudnn> cudnn) : cudnn_(std::move(cudnn)) {}

  // Of these segments alone, with operands and results in bf16; out, lse, dq, dk, dv of other rows stay as
  // they are. segments: none is empty. lse may be null in forward.
  bool forward(DeviceQueue& queue, const AttentionInput& in, std::span<const AttentionSegment> segments,
               float* out, float* lse);
  bool backward(DeviceQueue& queue, const AttentionInput& in, std::span<const AttentionSegment> segments,
                const float* out, const float* lse, const float* dout, float* dq, float* dk, float* dv);

  // "cuDNN 9.10.2", or "own kernels" where it is not there or has given other results.
  std::string text(DeviceQueue& queue);
  // A line that is worth saying once, or nothing.
  std::string take_note() { return std::exchange(note_, {}); }

 private:
  struct Work {
    CudnnCall call;
    CudnnAttentionKey key;
    const CudnnPlan* plan = nullptr;
  };
  const CudnnPlan* plan(const CudnnAttentionKey& key);
  bool trusts(DeviceQueue& queue, const AttentionInput& in, bool backward, bool ends_meet);
  // Empty where a plan is refused.
  std::vector<Work> work(const AttentionInput& in, std::span<const AttentionSegment> segments, bool backward);
  void run_forward(DeviceQueue& queue, const AttentionInput& in, std::span<const AttentionSegment> segments,
                   const std::vector<Work>& all, float* out, float* lse);
  void run_backward(DeviceQueue& queue, const AttentionInput& in, std::span<const AttentionSegment> segments,
                    const std::vector<Work>& all, const float* out, const float* lse, const float* dout,
                    float* dq, float* dk, float* dv);
  // Whether a small case of the kind comes out as by our own kernels, as far as bf16 goes.
  bool agrees(DeviceQueue& queue, const AttentionInput& in, bool backward, bool ends_meet);

  std::unique_ptr<Cudnn> cudnn_;
  std::map<CudnnAttentionKey, std::unique_ptr<CudnnPlan>> plans_;  // null: refused
  std::map<CudnnKind, bool> trusted_;
  std::string note_;
};

// The queue's, opened when it is first asked for.
CudnnAttention& cudnn_of(DeviceQueue& queue);

}  // namespace lq::backends::cuda
