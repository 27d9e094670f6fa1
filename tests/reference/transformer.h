// Plain loops for the ops of a transformer, templates on the number type: run on double they are the forward
// oracle, on std::complex<double> they give exact derivatives by the complex step (Squire & Trapp 1998).
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <functional>
#include <vector>

namespace lq::reference {

template <typename T>
using Values = std::vector<T>;

template <typename T>
Values<T> rms_norm(const Values<T>& x, const Values<T>& w, std::size_t rows, double eps) {
  using std::sqrt;
  const std::size_t cols = w.size();
  Values<T> y(x.size());
  for (std::size_t r = 0; r < rows; ++r) {
    T squares = 0.0;
    for (std::size_t c = 0; c < cols; ++c) squares += x[r * cols + c] * x[r * cols + c];
    const T scale = 1.0 / sqrt(squares / static_cast<double>(cols) + eps);
    for (std::size_t c = 0; c < cols; ++c) y[r * cols + c] = x[r * cols + c] * scale * w[c];
  }
  return y;
}

template <typename T>
Values<T> silu_mul(const Values<T>& gate, const Values<T>& up) {
  using std::exp;
  Values<T> out(gate.size());
  for (std::size_t i = 0; i < gate.size(); ++i) out[i] = gate[i] / (1.0 + exp(-gate[i])) * up[i];
  return out;
}

// x: [tokens, heads, 2 * half]
template <typename T>
Values<T> rope(const Values<T>& x, const std::vector<int>& positions, const std::vector<float>& inv_freq,
               std::size_t heads, double factor) {
  const std::size_t half = inv_freq.size();
  Values<T> y(x.size());
  for (std::size_t t = 0; t < positions.size(); ++t) {
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t i = 0; i < half; ++i) {
        const double angle =
            static_cast<float>(positions[t]) * inv_freq[i];  // f32, as the op's contract says
        const double c = std::cos(angle) * factor;
        const double s = std::sin(angle) * factor;
        const std::size_t a = (t * heads + h) * 2 * half + i;
        y[a] = x[a] * c - x[a + half] * s;
        y[a + half] = x[a + half] * c + x[a] * s;
      }
    }
  }
  return y;
}

struct AttentionCase {
  std::vector<std::size_t> starts;  // of sequences; the last is the number of tokens
  std::size_t heads, kv_heads, dim, window;
  double scale;
  double soft_cap = 0.0;  // 0: none
  bool causal = true;
};

// Softmax without its shift: scores are small here, and max() has no derivative.
// sinks: a logit more in the rows of each head; empty: none.
template <typename T>
Values<T> attention(const Values<T>& q, const Values<T>& k, const Values<T>& v, const AttentionCase& c,
                    const Values<T>& sinks = {}) {
  using std::exp;
  using std::tanh;
  Values<T> out(q.size(), T(0.0));
  for (std::size_t s = 0; s + 1 < c.starts.size(); ++s) {
    for (std::size_t i = c.starts[s]; i < c.starts[s + 1]; ++i) {
      for (std::size_t h = 0; h < c.heads; ++h) {
        const std::size_t g = h / (c.heads / c.kv_heads);
        const T* query = &q[(i * c.heads + h) * c.dim];
        T total = sinks.empty() ? T(0.0) : exp(sinks[h]);
        Values<T> sum(c.dim, T(0.0));
        const std::size_t end = c.causal ? i + 1 : c.starts[s + 1];
        for (std::size_t j = c.starts[s]; j < end; ++j) {
          if (c.window > 0 && j + c.window <= i) continue;
          T score = 0.0;
          for (std::size_t d = 0; d < c.dim; ++d) score += query[d] * k[(j * c.kv_heads + g) * c.dim + d];
          score *= c.scale;
          if (c.soft_cap > 0.0) score = c.soft_cap * tanh(score / c.soft_cap);
          const T p = exp(score);
          total += p;
          for (std::size_t d = 0; d < c.dim; ++d) sum[d] += p * v[(j * c.kv_heads + g) * c.dim + d];
        }
        for (std::size_t d = 0; d < c.dim; ++d) out[(i * c.heads + h) * c.dim + d] = sum[d] / total;
      }
    }
  }
  return out;
}

// Sum over tokens that are predicted.
template <typename T>
T cross_entropy(const Values<T>& logits, const std::vector<std::int32_t>& targets) {
  using std::exp;
  using std::log;
  const std::size_t vocab = logits.size() / targets.size();
  T loss = 0.0;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (targets[t] < 0) continue;
    T total = 0.0;
    for (std::size_t v = 0; v < vocab; ++v) total += exp(logits[t * vocab + v]);
    loss += log(total) - logits[t * vocab + static_cast<std::size_t>(targets[t])];
  }
  return loss;
}

template <typename T>
Values<T> to(const std::vector<float>& x) {
  return Values<T>(x.begin(), x.end());
}

// Sum of weights[i] * y[i]: a scalar whose gradient by y is `weights`.
template <typename T>
T weighted_sum(const Values<T>& y, const std::vector<float>& weights) {
  T sum = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * static_cast<double>(weights[i]);
  return sum;
}

// d f(x + e * direction) / de at 0, exact to rounding.
using Complex = std::complex<double>;
inline double derivative(const std::function<Complex(const Values<Complex>&)>& f, const std::vector<float>& x,
                         const std::vector<float>& direction) {
  constexpr double kStep = 1e-30;
  Values<Complex> z(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) z[i] = {x[i], kStep * direction[i]};
  return f(z).imag() / kStep;
}

}  // namespace lq::reference
