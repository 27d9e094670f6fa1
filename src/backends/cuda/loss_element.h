// Losses over rows of logits, as the threads of a block share a row (loss.cu): each goes over every
// kLossThreads-th logit with a running maximum, then pairs of threads are merged.
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/cuda/host_device.h"

namespace lq::backends::cuda {

inline constexpr int kLossThreads = 256;

// The sum of exp(x - peak) over some numbers, and the largest of them; total 0: none yet.
struct SoftmaxPart {
  float peak, total;
};

LQ_HOST_DEVICE inline SoftmaxPart softmax_of_thread(std::int64_t cols, const float* x, int thread) {
  SoftmaxPart part = {-INFINITY, 0.0F};
  for (std::int64_t i = thread; i < cols; i += kLossThreads) {
    const float v = x[i];
    if (v > part.peak) {
      part.total = part.total * std::exp(part.peak - v) + 1.0F;
      part.peak = v;
    } else {
      part.total += std::exp(v - part.peak);
    }
  }
  return part;
}

LQ_HOST_DEVICE inline SoftmaxPart merge_softmax(const SoftmaxPart& a, const SoftmaxPart& b) {
  if (b.total == 0.0F) return a;
  if (a.total == 0.0F) return b;
  if (a.peak < b.peak) return {b.peak, b.total + a.total * std::exp(a.peak - b.peak)};
  return {a.peak, a.total + b.total * std::exp(b.peak - a.peak)};
}

LQ_HOST_DEVICE inline float log_sum(const SoftmaxPart& part) { return part.peak + std::log(part.total); }

// x = scale * (softmax - onehot) for the thread's elements, in place; a negative target: 0.
LQ_HOST_DEVICE inline void loss_gradient_of_thread(std::int64_t cols, float lse, std::int64_t target,
                                                   float scale, int thread, float* x) {
  for (std::int64_t i = thread; i < cols; i += kLossThreads) {
    if (target < 0) {
      x[i] = 0.0F;
      continue;
    }
    const float p = scale * std::exp(x[i] - lse);
    x[i] = i == target ? p - scale : p;
  }
}

// The thread's part of sum p (log p - log q), in double.
LQ_HOST_DEVICE inline double divergence_of_thread(std::int64_t cols, const float* p, float p_lse,
                                                  const float* q, float q_lse, int thread) {
  double sum = 0.0;
  for (std::int64_t i = thread; i < cols; i += kLossThreads) {
    const double log_p = double{p[i]} - double{p_lse};
    const double log_q = double{q[i]} - double{q_lse};
    sum += std::exp(log_p) * (log_p - log_q);
  }
  return sum;
}

// q = scale * (softmax(q) - softmax(p)) for the thread's elements, in place.
LQ_HOST_DEVICE inline void divergence_gradient_of_thread(std::int64_t cols, const float* p, float p_lse,
                                                         float q_lse, float scale, int thread, float* q) {
  for (std::int64_t i = thread; i < cols; i += kLossThreads)
    q[i] = scale * (std::exp(q[i] - q_lse) - std::exp(p[i] - p_lse));
}

}  // namespace lq::backends::cuda
