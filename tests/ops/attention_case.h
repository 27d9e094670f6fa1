// Attention in double, with bounds of what f32, or products in bf16, may differ from it; for tests of every
// device.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "ops/attention.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq::attention_case {

using op_driver::Expected;
using op_driver::kRounding;
using reference::normals;

struct AttentionSizes {
  std::vector<std::int64_t> starts;
  AttentionShape shape;
  std::vector<float> sinks = {};  // a head; empty: none
  std::int64_t tokens() const { return starts.back(); }
  std::int64_t width() const { return shape.heads * shape.head_dim; }
  std::int64_t kv_width() const { return shape.kv_heads * shape.head_dim; }
  std::string text() const {
    return fmt::format(" of {} tokens, {}/{} heads of {}, window {}, cap {}, {}, {} sinks", tokens(),
                       shape.heads, shape.kv_heads, shape.head_dim, shape.window, shape.soft_cap,
                       shape.causal ? "causal" : "whole", sinks.size());
  }
};

// What comes out in double, at its place among attention_operands(), and how large what is added up is.
struct Reference {
  Expected out{4, {}, {}}, lse{5, {}, {}}, dq{6, {}, {}}, dk{7, {}, {}}, dv{8, {}, {}}, dsinks{10, {}, {}};
};

// What a sink's gradient is before.
inline constexpr float kSinkGradient = 0.5F;

struct AttentionNumbers {
  std::vector<float> q, k, v, dout;
  explicit AttentionNumbers(const AttentionSizes& s)
      : q(normals(static_cast<std::size_t>(s.tokens() * s.width()), 1)),
        k(normals(static_cast<std::size_t>(s.tokens() * s.kv_width()), 2)),
        v(normals(static_cast<std::size_t>(s.tokens() * s.kv_width()), 3)),
        dout(normals(static_cast<std::size_t>(s.tokens() * s.width()), 4)) {}
};

// One query and head: its probabilities, and scores' slopes.
struct ReferenceRow {
  std::int64_t first;
  std::vector<double> p, slope;
  double lse, spread;  // spread: the largest error of a score, in roundings
  double sink = 0.0;   // its probability
};

inline ReferenceRow reference_row(const AttentionSizes& s, const AttentionNumbers& x, std::int64_t start,
                                  std::int64_t end, std::int64_t t, std::int64_t h) {
  const std::int64_t dim = s.shape.head_dim;
  const std::int64_t g = h / (s.shape.heads / s.shape.kv_heads);
  const std::int64_t last = s.shape.causal ? t + 1 : end;
  std::int64_t first = start;
  if (s.shape.window > 0) first = std::max(first, t - s.shape.window + 1);
  ReferenceRow row{first, {}, {}, 0.0, 0.0, 0.0};
  for (std::int64_t j = first; j < last; ++j) {
    double product = 0.0, sizes = 0.0;
    for (std::int64_t d = 0; d < dim; ++d) {
      const double term = double{x.q[static_cast<std::size_t>(t * s.width() + h * dim + d)]} *
                          x.k[static_cast<std::size_t>(j * s.kv_width() + g * dim + d)];
      product += term;
      sizes += std::abs(term);
    }
    double score = double{s.shape.scale} * product;
    double slope = s.shape.scale;
    if (s.shape.soft_cap > 0.0F) {
      const double tanh = std::tanh(score / s.shape.soft_cap);
      score = s.shape.soft_cap * tanh;
      slope *= 1.0 - tanh * tanh;
    }
    row.p.push_back(score);
    row.slope.push_back(slope);
    row.spread = std::max(row.spread, (static_cast<double>(dim) + 8) * s.shape.scale * sizes + 8);
  }
  double peak = -INFINITY, total = 0.0;
  for (const double score : row.p) peak = std::max(peak, score);
  const double sink = s.sinks.empty() ? -INFINITY : double{s.sinks[static_cast<std::size_t>(h)]};
  peak = std::max(peak, sink);
  for (const double score : row.p) total += std::exp(score - peak);
  total += std::exp(sink - peak);
  row.lse = peak + std::log(total);
  row.sink = std::exp(sink - row.lse);
  for (double& p : row.p) p = std::exp(p - row.lse);
  return row;
}

// more: a relative error of every number that is added up beside f32's; log-sums have none of it.
inline Reference reference_of(const AttentionSizes& s, const AttentionNumbers& x, double more = 0.0) {
  const std::int64_t dim = s.shape.head_dim;
  Reference r;
  const auto zeros = [](Expected& e, std::int64_t n) {
    e.values.assign(static_cast<std::size_t>(n), 0.0);
    e.bounds.assign(static_cast<std::size_t>(n), 0.0);
  };
  zeros(r.out, s.tokens() * s.width());
  zeros(r.dq, s.tokens() * s.width());
  zeros(r.dk, s.tokens() * s.kv_width());
  zeros(r.dv, s.tokens() * s.kv_width());
  zeros(r.lse, s.shape.heads * s.tokens());
  zeros(r.dsinks, std::ssize(s.sinks));
  const auto add = [](Expected& e, std::int64_t at, double value, double size) {
    e.values[static_cast<std::size_t>(at)] += value;
    e.bounds[static_cast<std::size_t>(at)] += std::abs(size);
  };
  double roundings = 0.0;
  for (std::size_t seq = 0; seq + 1 < s.starts.size(); ++seq) {
    for (std::int64_t t = s.starts[seq]; t < s.starts[seq + 1]; ++t) {
      for (std::int64_t h = 0; h < s.shape.heads; ++h) {
        const ReferenceRow row = reference_row(s, x, s.starts[seq], s.starts[seq + 1], t, h);
        const std::int64_t q_at = t * s.width() + h * dim;
        const std::int64_t kv = h / (s.shape.heads / s.shape.kv_heads) * dim;
        const auto keys = static_cast<double>(row.p.size());
        roundings = std::max(roundings, 4 * row.spread + 2 * keys + 4 * static_cast<double>(dim) + 40);
        add(r.lse, h * s.tokens() + t, row.lse, 1 + std::abs(row.lse));
        double delta = 0.0, delta_size = 0.0;
        std::vector<double> dp(row.p.size()), dp_size(row.p.size());
        for (std::size_t j = 0; j < row.p.size(); ++j) {
          const std::int64_t kv_at = (row.first + static_cast<std::int64_t>(j)) * s.kv_width() + kv;
          for (std::int64_t d = 0; d < dim; ++d) {
            const double v = x.v[static_cast<std::size_t>(kv_at + d)];
            const double dout = x.dout[static_cast<std::size_t>(q_at + d)];
            add(r.out, q_at + d, row.p[j] * v, row.p[j] * v);
            dp[j] += dout * v;
            dp_size[j] += std::abs(dout * v);
          }
          delta += row.p[j] * dp[j];
          delta_size += row.p[j] * dp_size[j];
        }
        if (!s.sinks.empty()) add(r.dsinks, h, -row.sink * delta, row.sink * delta_size);
        for (std::size_t j = 0; j < row.p.size(); ++j) {
          const std::int64_t kv_at = (row.first + static_cast<std::int64_t>(j)) * s.kv_width() + kv;
          const double ds = row.p[j] * (dp[j] - delta) * row.slope[j];
          const double size = row.p[j] * (dp_size[j] + delta_size) * s.shape.scale;
          for (std::int64_t d = 0; d < dim; ++d) {
            const double k = x.k[static_cast<std::size_t>(kv_at + d)];
            const double q = x.q[static_cast<std::size_t>(q_at + d)];
            const double dout = x.dout[static_cast<std::size_t>(q_at + d)];
            add(r.dq, q_at + d, ds * k, size * k);
            add(r.dk, kv_at + d, ds * q, size * q);
            add(r.dv, kv_at + d, row.p[j] * dout, row.p[j] * dout);
          }
        }
      }
    }
  }
  // Sums over queries and heads are as long as a sequence at most.
  const double all = kRounding * (roundings + 2.0 * static_cast<double>(s.tokens() * s.shape.heads));
  for (Expected* e : {&r.out, &r.lse, &r.dq, &r.dk, &r.dv, &r.dsinks}) {
    for (double& b : e->bounds) b *= all + (e == &r.lse ? 0.0 : more);
  }
  for (std::size_t h = 0; h < s.sinks.size(); ++h) {  // they are added to what is there
    const double before = kSinkGradient;
    r.dsinks.values[h] += before;
    r.dsinks.bounds[h] += kRounding * (before + std::abs(r.dsinks.values[h]));
  }
  return r;
}

// q, k, v, dout, and room for out, lse, dq, dk, dv.
inline std::vector<op_driver::Operand> attention_operands(const AttentionSizes& s,
                                                          const AttentionNumbers& x) {
  const auto garbage = [](std::int64_t rows, std::int64_t cols) {
    return normals(static_cast<std::size_t>(rows * cols), 9);
  };
  const std::int64_t n = s.tokens();
  return {{"q", n, s.width(), x.q},
          {"k", n, s.kv_width(), x.k},
          {"v", n, s.kv_width(), x.v},
          {"dout", n, s.width(), x.dout},
          {"out", n, s.width(), garbage(n, s.width())},
          {"lse", s.shape.heads, n, garbage(s.shape.heads, n)},
          {"dq", n, s.width(), garbage(n, s.width())},
          {"dk", n, s.kv_width(), garbage(n, s.kv_width())},
          {"dv", n, s.kv_width(), garbage(n, s.kv_width())}};
}

inline AttentionShape shape_of(std::int64_t heads, std::int64_t kv_heads, std::int64_t dim,
                               std::int64_t window = 0) {
  return {heads, kv_heads, dim, window, 1.0F / std::sqrt(static_cast<float>(dim))};
}

}  // namespace lq::attention_case
