// cuDNN held against our own kernels on a small case before it is trusted: the graph of another version, or
// an engine that reads lengths and offsets in another way, must not spoil a training run without a word.
#include <algorithm>
#include <cmath>
#include <span>

#include "backends/cuda/attention_kernels.h"
#include "backends/cuda/cudnn_attention.h"
#include "backends/cuda/device.h"
#include "backends/cuda/queue.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

// Numbers in [-2, 2) that bf16 has: both sides compute with the same operands.
std::vector<float> check_numbers(std::int64_t count, std::uint32_t seed) {
  std::vector<float> all(static_cast<std::size_t>(count));
  std::uint32_t state = seed;
  for (float& x : all) {
    state = state * 1664525U + 1013904223U;
    x = static_cast<float>(static_cast<int>(state >> 24) - 128) / 64.0F;
  }
  return all;
}

// Two sequences that lie packed, go in one call, and end on no tile's edge.
std::vector<AttentionSegment> check_segments(bool ends_meet) {
  if (ends_meet) return {{0, 133, 0, 171}, {133, 150, 171, 190}};
  return {{0, 133, 0, 133}, {133, 150, 133, 150}};
}

class OnDevice {
 public:
  explicit OnDevice(DeviceQueue& queue) : queue_(queue) {}
  ~OnDevice() {
    for (std::byte* b : all_) release(b);
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  float* room(std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
    all_.push_back(allocate({DeviceKind::kCuda, static_cast<std::uint8_t>(queue_.device)}, bytes));
    set_to_zero(queue_, all_.back(), bytes);
    return reinterpret_cast<float*>(all_.back());
  }
  float* copy(const std::vector<float>& x) {
    float* const to = room(std::ssize(x));
    copy_to_device(queue_, x.data(), x.size() * sizeof(float), to);
    return to;
  }
  std::vector<float> host(const float* x, std::int64_t count) {
    std::vector<float> all(static_cast<std::size_t>(count));
    copy_to_host(queue_, x, all.size() * sizeof(float), all.data());
    return all;
  }

 private:
  DeviceQueue& queue_;
  std::vector<std::byte*> all_;
};

}  // namespace

// Operands, probabilities and results are rounded to bf16, each to 2^-9 of itself, so the results differ by
// about that share of their norm; a key too few or too many changes the first rows of a sequence, which see
// few keys, by as much as they are.
bool CudnnAttention::agrees(DeviceQueue& queue, const AttentionInput& in, bool backward, bool ends_meet) {
  constexpr double kShare = 0x1p-6;
  constexpr double kLogSum = 0x1p-8;
  AttentionInput small;
  small.shape = in.shape;
  const std::int64_t group = in.shape.heads / in.shape.kv_heads;
  small.shape.kv_heads = std::min<std::int64_t>(2, in.shape.kv_heads);
  small.shape.heads = small.shape.kv_heads * group;
  if (in.shape.window > 0) small.shape.window = 37;
  const std::vector<AttentionSegment> segments = check_segments(ends_meet);
  small.segments = segments.data();
  small.segment_count = std::ssize(segments);
  small.tokens = segments.back().q_begin + segments.back().q_count;
  small.kv_tokens = segments.back().kv_begin + segments.back().kv_count;
  const std::int64_t width = small.shape.heads * small.shape.head_dim;
  const std::int64_t q_count = small.tokens * width;
  const std::int64_t kv_count = small.kv_tokens * small.shape.kv_heads * small.shape.head_dim;
  const std::int64_t lse_count = small.shape.heads * small.tokens;
  OnDevice device(queue);
  small.q = device.copy(check_numbers(q_count, 1));
  small.k = device.copy(check_numbers(kv_count, 2));
  small.v = device.copy(check_numbers(kv_count, 3));
  float* const out = device.room(q_count);
  float* const lse = device.room(lse_count);
  attention_forward_by_own(queue, small, out, lse);
  const std::vector<Work> all = work(small, segments, backward);
  if (all.empty()) return false;

  bool right = true;
  double worst = 0.0;
  const auto hold = [&](const float* have, const float* want, std::int64_t count) {
    const std::vector<float> h = device.host(have, count);
    const std::vector<float> w = device.host(want, count);
    double error = 0.0, size = 0.0;
    for (std::size_t i = 0; i < h.size(); ++i) {
      error += (double{h[i]} - w[i]) * (double{h[i]} - w[i]);
      size += double{w[i]} * w[i];
    }
    const double share = std::sqrt(error / size);
    right = right && share <= kShare;  // false for a NaN
    worst = std::max(worst, share);
  };
  if (backward) {
    const float* const dout = device.copy(check_numbers(q_count, 4));
    float *own[3], *have[3];
    const std::int64_t counts[3] = {q_count, kv_count, kv_count};
    for (int i = 0; i < 3; ++i) {
      own[i] = device.room(counts[i]);
      have[i] = device.room(counts[i]);
    }
    attention_backward_by_own(queue, small, out, lse, dout, own[0], own[1], own[2]);
    run_backward(queue, small, segments, all, out, lse, dout, have[0], have[1], have[2]);
    for (int i = 0; i < 3; ++i) hold(have[i], own[i], counts[i]);
  } else {
    float* const have = device.room(q_count);
    float* const have_lse = device.room(lse_count);
    run_forward(queue, small, segments, all, have, have_lse);
    hold(have, out, q_count);
    const std::vector<float> a = device.host(have_lse, lse_count);
    const std::vector<float> b = device.host(lse, lse_count);
    for (std::size_t i = 0; i < a.size(); ++i) right = right && std::abs(double{a[i]} - b[i]) <= kLogSum;
  }
  if (!right) {
    note_ = fmt::format(
        "attention: {} differs from our own kernels by {:.2g} of its results ({}, heads of {}, {} to a key "
        "head), more than bf16 does; our own kernels are used",
        cudnn_->version(), worst, backward ? "backward" : "forward", small.shape.head_dim, group);
  }
  return right;
}

std::string CudnnAttention::text(DeviceQueue& queue) {
  if (cudnn_ == nullptr) return "own kernels";
  AttentionInput usual;
  usual.shape.heads = 4;
  usual.shape.kv_heads = 2;
  usual.shape.head_dim = 64;
  usual.shape.scale = 0.125F;
  return trusts(queue, usual, false, false) && trusts(queue, usual, true, false) ? cudnn_->version()
                                                                                 : "own kernels";
}

}  // namespace lq::backends::cuda
