// Rows of softmax: for attention in blocks (online, Milakov & Gimelshein 2018) and for cross-entropy. f32.
#pragma once

#include <cstdint>

namespace lq::backends {

// One step of online softmax over `n` new scores s of a row that has seen maximum *peak (-inf at first) and
// sum *total of exp(s - *peak). s = exp(s - new peak); returns the factor exp(old peak - new peak) for what
// was summed before. A row whose scores are all -inf so far is left with sum 0.
float online_softmax(std::int64_t n, float* s, float* peak, float* total);

// s = exp(s - shift).
void exp_shifted(std::int64_t n, float shift, float* s);

// ds = p * (dp - delta) * scale, written to dp: gradient of softmax's scores.
void softmax_scores_backward(std::int64_t n, const float* p, float delta, float scale, float* dp);

// log(sum(exp(x))).
float log_sum_exp(std::int64_t n, const float* x);

float dot(std::int64_t n, const float* x, const float* y);
// y += a * x.
void axpy(std::int64_t n, float a, const float* x, float* y);

}  // namespace lq::backends
