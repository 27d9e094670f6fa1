// The gradients of attention against plain loops in double, over sizes that leave remainders of every block.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backends/cpu/attention.h"
#include "base/progress.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

struct BackwardCase {
  const char* name;
  std::vector<AttentionSegment> segments;
  AttentionShape shape;
};

// A gradient in double, and beside each number the sum of its terms' magnitudes, by which f32 sums err.
struct ExactSums {
  explicit ExactSums(std::size_t n) : value(n), size(n) {}
  void add(std::size_t i, double term, double magnitude) {
    value[i] += term;
    size[i] += std::abs(magnitude);
  }
  std::vector<double> value, size;
};

struct ExactGradients {
  ExactSums dq, dk, dv;
  double largest_score = 0.0;  // of sums of magnitudes
};

// Keys [first, second) are those that query i of a whole sequence sees.
std::pair<std::int64_t, std::int64_t> seen_keys(const AttentionSegment& s, const AttentionShape& shape,
                                                std::int64_t i) {
  return {shape.window > 0 ? std::max<std::int64_t>(0, i - shape.window + 1) : 0,
          shape.causal ? i + 1 : s.kv_count};
}

ExactGradients exact_gradients(const BackwardCase& c, const std::vector<float>& q,
                               const std::vector<float>& k, const std::vector<float>& v,
                               const std::vector<float>& dout) {
  const AttentionShape& s = c.shape;
  ExactGradients g{ExactSums(q.size()), ExactSums(k.size()), ExactSums(k.size())};
  const auto at = [&](std::int64_t row, std::int64_t heads, std::int64_t head) {
    return static_cast<std::size_t>((row * heads + head) * s.head_dim);
  };
  const auto dim = static_cast<std::size_t>(s.head_dim);
  for (const AttentionSegment& segment : c.segments) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      const std::int64_t group = h / (s.heads / s.kv_heads);
      for (std::int64_t i = 0; i < segment.q_count; ++i) {
        const std::size_t qi = at(segment.q_begin + i, s.heads, h);
        const auto [begin, end] = seen_keys(segment, s, i);
        std::vector<double> p, slope, dp, dp_size;
        double total = 0.0, delta = 0.0, delta_size = 0.0;
        for (std::int64_t j = begin; j < end; ++j) {
          const std::size_t kj = at(segment.kv_begin + j, s.kv_heads, group);
          double score = 0.0, score_size = 0.0, dot = 0.0, dot_size = 0.0;
          for (std::size_t d = 0; d < dim; ++d) {
            score += double{s.scale} * q[qi + d] * k[kj + d];
            score_size += std::abs(double{s.scale} * q[qi + d] * k[kj + d]);
            dot += double{dout[qi + d]} * v[kj + d];
            dot_size += std::abs(double{dout[qi + d]} * v[kj + d]);
          }
          g.largest_score = std::max(g.largest_score, score_size);
          const double t = s.soft_cap > 0.0F ? std::tanh(score / s.soft_cap) : 0.0;
          if (s.soft_cap > 0.0F) score = s.soft_cap * t;
          p.push_back(std::exp(score));
          slope.push_back(1.0 - t * t);
          dp.push_back(dot);
          dp_size.push_back(dot_size);
          total += p.back();
        }
        for (std::size_t n = 0; n < p.size(); ++n) {
          p[n] /= total;
          delta += p[n] * dp[n];
          delta_size += p[n] * dp_size[n];
        }
        for (std::int64_t j = begin; j < end; ++j) {
          const auto n = static_cast<std::size_t>(j - begin);
          const std::size_t kj = at(segment.kv_begin + j, s.kv_heads, group);
          const double ds = double{s.scale} * p[n] * (dp[n] - delta) * slope[n];
          const double ds_size = double{s.scale} * p[n] * (dp_size[n] + delta_size);
          for (std::size_t d = 0; d < dim; ++d) {
            g.dq.add(qi + d, ds * k[kj + d], ds_size * k[kj + d]);
            g.dk.add(kj + d, ds * q[qi + d], ds_size * q[qi + d]);
            g.dv.add(kj + d, p[n] * dout[qi + d], p[n] * dout[qi + d]);
          }
        }
      }
    }
  }
  return g;
}

struct F32Gradients {
  std::vector<float> dq, dk, dv;
};

F32Gradients f32_gradients(const BackwardCase& c, int threads, const std::vector<float>& q,
                           const std::vector<float>& k, const std::vector<float>& v,
                           const std::vector<float>& dout) {
  ThreadPool pool(threads);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const std::int64_t width = c.shape.heads * c.shape.head_dim, kv_width = c.shape.kv_heads * c.shape.head_dim;
  const std::int64_t queries = std::ssize(q) / width, keys = std::ssize(k) / kv_width;
  const ConstMatrix query{q.data(), queries, width}, key{k.data(), keys, kv_width};
  const ConstMatrix value{v.data(), keys, kv_width};
  std::vector<float> out(q.size()), lse(static_cast<std::size_t>(c.shape.heads * queries));
  const Matrix o{out.data(), queries, width}, l{lse.data(), c.shape.heads, queries};
  cpu::attention_forward(ctx, c.shape, c.segments, query, key, value, o, l);
  // What was there before must not matter.
  const float junk = std::numeric_limits<float>::quiet_NaN();
  F32Gradients g{std::vector<float>(q.size(), junk), std::vector<float>(k.size(), junk),
                 std::vector<float>(k.size(), junk)};
  cpu::attention_backward(ctx, c.shape, c.segments, query, key, value, o, l, {dout.data(), queries, width},
                          {g.dq.data(), queries, width}, {g.dk.data(), keys, kv_width},
                          {g.dv.data(), keys, kv_width});
  return g;
}

// relative: the roundings on the way to one number, in units of its sum of magnitudes.
void expect_close(const char* what, const std::vector<float>& have, const ExactSums& want, double relative) {
  for (std::size_t i = 0; i < have.size(); ++i) {
    ASSERT_NEAR(have[i], want.value[i], relative * want.size[i] + 1e-30) << what << '[' << i << ']';
  }
}

std::vector<BackwardCase> backward_cases() {
  const auto shape = [](std::int64_t heads, std::int64_t kv_heads, std::int64_t dim, std::int64_t window = 0,
                        float cap = 0.0F, bool causal = true) {
    return AttentionShape{heads, kv_heads, dim, window, 1.0F / std::sqrt(static_cast<float>(dim)),
                          cap,   causal};
  };
  const auto whole = [](std::int64_t first, std::int64_t second) {
    return std::vector<AttentionSegment>{{0, first, 0, first}, {first, second, first, second}};
  };
  return {
      {"two single tokens", whole(1, 1), shape(1, 1, 1)},
      {"two short sequences, groups", whole(7, 3), shape(4, 2, 5)},
      {"several blocks, groups of three", whole(133, 66), shape(6, 2, 9)},
      {"a window across blocks", whole(133, 5), shape(2, 1, 33, 17)},
      {"soft cap", whole(65, 1), shape(3, 3, 16, 0, 4.0F)},
      {"soft cap and window", whole(31, 97), shape(2, 2, 7, 40, 2.0F)},
      {"both directions", whole(67, 2), shape(2, 2, 12, 0, 0.0F, false)},
  };
}

TEST(AttentionBackward, GradientsOfOddSizesAgreeWithPlainLoops) {
  constexpr double kRounding = 0x1p-24;
  for (const BackwardCase& c : backward_cases()) {
    SCOPED_TRACE(c.name);
    const std::int64_t tokens = c.segments.back().q_begin + c.segments.back().q_count;
    const auto q_size = static_cast<std::size_t>(tokens * c.shape.heads * c.shape.head_dim);
    const auto kv_size = static_cast<std::size_t>(tokens * c.shape.kv_heads * c.shape.head_dim);
    const auto q = normals(q_size, 1), k = normals(kv_size, 2), v = normals(kv_size, 3);
    const auto dout = normals(q_size, 4);
    const ExactGradients want = exact_gradients(c, q, k, v, dout);
    const F32Gradients have = f32_gradients(c, 1, q, k, v, dout);
    // A score errs by `dim` roundings of its terms, and so does the logarithm of their sum; what goes through
    // exp errs relatively by that. Then sums over dims, keys and queries follow, and a few single products.
    const double sums = static_cast<double>(c.shape.head_dim + 2 * tokens + 16);
    const double relative = kRounding * (sums + 2.0 * sums * want.largest_score);
    expect_close("dq", have.dq, want.dq, relative);
    expect_close("dk", have.dk, want.dk, relative);
    expect_close("dv", have.dv, want.dv, relative);
    const F32Gradients three = f32_gradients(c, 3, q, k, v, dout);
    EXPECT_EQ(three.dq, have.dq);
    EXPECT_EQ(three.dk, have.dk);
    EXPECT_EQ(three.dv, have.dv);
  }
}

}  // namespace
}  // namespace lq::backends
