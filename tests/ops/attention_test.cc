#include "ops/attention.h"

#include <gtest/gtest.h>

#include "base/progress.h"
#include "reference/numbers.h"
#include "reference/transformer.h"

namespace lq {
namespace {

using reference::Complex;
using reference::normals;
using reference::relative_difference;
using reference::to;

struct Case {
  const char* name;
  std::vector<std::int64_t> starts;
  std::int64_t heads, kv_heads, dim, window;
  float soft_cap = 0.0F;
  bool causal = true;
  float sinks = 0.0F;  // their spread; 0: none
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class AttentionTest : public testing::TestWithParam<Case> {
 protected:
  struct Result {
    std::vector<float> out, lse, dq, dk, dv, dsinks;
  };

  void SetUp() override {
    const Case& c = GetParam();
    tokens_ = c.starts.back();
    shape_ = {c.heads,    c.kv_heads, c.dim, c.window, 1.0F / std::sqrt(static_cast<float>(c.dim)),
              c.soft_cap, c.causal};
    const auto q_size = static_cast<std::size_t>(tokens_ * c.heads * c.dim);
    const auto kv_size = static_cast<std::size_t>(tokens_ * c.kv_heads * c.dim);
    q_ = normals(q_size, 1);
    k_ = normals(kv_size, 2);
    v_ = normals(kv_size, 3);
    dout_ = normals(q_size, 4);
    if (c.sinks > 0.0F) sinks_ = normals(static_cast<std::size_t>(c.heads), 5, c.sinks);
    reference_ = {{c.starts.begin(), c.starts.end()},
                  static_cast<std::size_t>(c.heads),
                  static_cast<std::size_t>(c.kv_heads),
                  static_cast<std::size_t>(c.dim),
                  static_cast<std::size_t>(c.window),
                  double{shape_.scale},
                  double{c.soft_cap},
                  c.causal};
  }

  ConstMatrix q() const { return {q_.data(), tokens_, shape_.heads * shape_.head_dim}; }
  ConstMatrix kv(const std::vector<float>& x) const {
    return {x.data(), tokens_, shape_.kv_heads * shape_.head_dim};
  }

  Result run(int threads) const {
    ThreadPool pool(threads);
    NoProgress progress;
    Context ctx{pool, progress, 0, {}};
    const auto segments = whole_segments(GetParam().starts);
    Result r{
        std::vector<float>(q_.size()), std::vector<float>(static_cast<std::size_t>(tokens_ * shape_.heads)),
        std::vector<float>(q_.size()), std::vector<float>(k_.size()),
        std::vector<float>(k_.size()), std::vector<float>(sinks_.size(), 0.5F)};
    const Matrix out{r.out.data(), tokens_, q().cols};
    const Matrix lse{r.lse.data(), shape_.heads, tokens_};
    attention_forward(ctx, shape_, segments, q(), kv(k_), kv(v_), out, lse, sinks_);
    attention_backward(ctx, shape_, segments, q(), kv(k_), kv(v_), out, lse,
                       {dout_.data(), tokens_, q().cols}, {r.dq.data(), tokens_, q().cols},
                       {r.dk.data(), tokens_, kv(k_).cols}, {r.dv.data(), tokens_, kv(k_).cols});
    if (sinks_.empty()) return r;
    attention_sinks_backward(ctx, shape_, sinks_, out, lse, {dout_.data(), tokens_, q().cols}, r.dsinks);
    for (float& d : r.dsinks) d -= 0.5F;  // it is added to
    return r;
  }

  std::int64_t tokens_ = 0;
  AttentionShape shape_;
  std::vector<float> q_, k_, v_, dout_, sinks_;
  reference::AttentionCase reference_;
};

TEST_P(AttentionTest, ForwardEqualsPlainLoops) {
  const Result r = run(2);
  const auto want =
      reference::attention(to<double>(q_), to<double>(k_), to<double>(v_), reference_, to<double>(sinks_));
  EXPECT_LT(relative_difference(r.out, want), 2e-6);
}

// Along random directions, as each derivative of the reference costs a forward pass.
TEST_P(AttentionTest, BackwardEqualsComplexStep) {
  const Result r = run(2);
  const auto zq = to<Complex>(q_);
  const auto zk = to<Complex>(k_);
  const auto zv = to<Complex>(v_);
  const auto zs = to<Complex>(sinks_);
  const auto check = [&](const std::vector<float>& x, const std::vector<float>& gradient, const auto& f) {
    for (std::uint64_t trial = 0; trial < 3; ++trial) {
      const auto direction = normals(x.size(), 100 + trial);
      const double want = reference::derivative(f, x, direction);
      double have = 0.0;
      double norm = 0.0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        have += double{gradient[i]} * direction[i];
        norm += double{gradient[i]} * gradient[i];
      }
      // A random direction picks up about the gradient's norm. A score's gradient is the difference of two
      // dot products over head_dim of normal numbers, which may be all that is left of it.
      const double cancelled = 1.2e-7 * static_cast<double>(shape_.head_dim);
      EXPECT_NEAR(have, want, 2e-6 * std::sqrt(norm) + cancelled);
    }
  };
  check(q_, r.dq, [&](const auto& z) {
    return reference::weighted_sum(reference::attention(z, zk, zv, reference_, zs), dout_);
  });
  check(k_, r.dk, [&](const auto& z) {
    return reference::weighted_sum(reference::attention(zq, z, zv, reference_, zs), dout_);
  });
  check(v_, r.dv, [&](const auto& z) {
    return reference::weighted_sum(reference::attention(zq, zk, z, reference_, zs), dout_);
  });
  if (sinks_.empty()) return;
  check(sinks_, r.dsinks, [&](const auto& z) {
    return reference::weighted_sum(reference::attention(zq, zk, zv, reference_, z), dout_);
  });
}

TEST_P(AttentionTest, SameBitsOnAnyNumberOfThreads) {
  const Result one = run(1);
  for (const int threads : {2, 7}) {
    const Result many = run(threads);
    EXPECT_EQ(one.out, many.out);
    EXPECT_EQ(one.lse, many.lse);
    EXPECT_EQ(one.dq, many.dq);
    EXPECT_EQ(one.dk, many.dk);
    EXPECT_EQ(one.dv, many.dv);
    EXPECT_EQ(one.dsinks, many.dsinks);
  }
}

TEST_P(AttentionTest, LaterQueriesAgainstCachedKeysEqualTheWholePass) {
  const Case& c = GetParam();
  const Result r = run(2);
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const std::int64_t count = c.starts[1];
  if (!c.causal) GTEST_SKIP() << "without order there are no later queries";
  for (const std::int64_t fresh : {std::int64_t{1}, std::min<std::int64_t>(count, 3)}) {
    const AttentionSegment segment{0, fresh, 0, count};
    std::vector<float> out(static_cast<std::size_t>(fresh * q().cols));
    attention_forward(ctx, shape_, std::span(&segment, 1), q().slice(count - fresh, fresh), kv(k_), kv(v_),
                      {out.data(), fresh, q().cols}, {}, sinks_);
    const std::vector<float> want(r.out.begin() + (count - fresh) * q().cols,
                                  r.out.begin() + count * q().cols);
    EXPECT_LT(relative_difference(out, want), 2e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AttentionTest,
    testing::Values(Case{"one_token", {0, 1}, 1, 1, 2, 0}, Case{"small", {0, 5}, 2, 2, 6, 0},
                    Case{"blocks", {0, 300}, 2, 2, 4, 0}, Case{"grouped", {0, 130}, 6, 2, 5, 0},
                    Case{"packed", {0, 3, 70, 71, 200}, 2, 1, 4, 0}, Case{"window", {0, 5, 330}, 2, 1, 4, 9},
                    Case{"wide_window", {0, 290}, 1, 1, 8, 200},
                    Case{"soft_cap", {0, 5, 300}, 2, 1, 4, 0, 1.5F},
                    Case{"capped_window", {0, 130}, 4, 2, 6, 9, 0.5F},
                    Case{"whole", {0, 300}, 2, 2, 4, 0, 0.0F, false},
                    Case{"whole_packed", {0, 3, 70, 71, 200}, 2, 1, 4, 0, 2.0F, false},
                    Case{"sinks", {0, 5, 300}, 4, 2, 6, 0, 0.0F, true, 3.0F},
                    Case{"sinks_window", {0, 3, 130}, 4, 1, 5, 9, 0.0F, true, 3.0F}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Attention, RefusesSegmentsOutsideTheMatrices) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> x(8, 1.0F);
  std::vector<float> out(8);
  const AttentionSegment segment{0, 5, 0, 5};
  EXPECT_THROW(attention_forward(ctx, {1, 1, 2, 0, 1.0F}, std::span(&segment, 1), {x.data(), 4, 2},
                                 {x.data(), 4, 2}, {x.data(), 4, 2}, {out.data(), 4, 2}, {}),
               Error);
  EXPECT_THROW(attention_forward(ctx, {3, 2, 2, 0, 1.0F}, {}, {x.data(), 1, 6}, {x.data(), 1, 4},
                                 {x.data(), 1, 4}, {out.data(), 1, 6}, {}),
               Error);
}

// A sink far above the scores takes all; one far below changes nothing.
TEST(Attention, SinksTakeFromTheScoresAndGiveNothing) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const std::vector<float> x = normals(8, 1);
  std::vector<float> plain(8), out(8);
  const AttentionSegment segment{0, 4, 0, 4};
  const auto run = [&](const std::vector<float>& sinks, std::vector<float>& to_out) {
    attention_forward(ctx, {1, 1, 2, 0, 1.0F}, std::span(&segment, 1), {x.data(), 4, 2}, {x.data(), 4, 2},
                      {x.data(), 4, 2}, {to_out.data(), 4, 2}, {}, sinks);
  };
  run({}, plain);
  run({-200.0F}, out);
  EXPECT_EQ(out, plain);
  run({200.0F}, out);
  for (const float v : out) EXPECT_EQ(v, 0.0F);
  EXPECT_THROW(run({1.0F, 1.0F}, out), Error);
}

TEST(Attention, RefusesAWindowOverWholeSequences) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> x(8, 1.0F), out(8);
  const AttentionSegment segment{0, 4, 0, 4};
  EXPECT_THROW(
      attention_forward(ctx, {1, 1, 2, 3, 1.0F, 0.0F, false}, std::span(&segment, 1), {x.data(), 4, 2},
                        {x.data(), 4, 2}, {x.data(), 4, 2}, {out.data(), 4, 2}, {}),
      Error);
}

}  // namespace
}  // namespace lq
