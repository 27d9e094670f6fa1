// Attention on every device, and the two ways of a CUDA device run on the processor: rows by warps, and
// blocks by products of matrices.
#include <gtest/gtest.h>

#include <array>
#include <list>

#include "backends/cuda/attention_blocks.h"
#include "backends/cuda/attention_element.h"
#include "ops/attention.h"
#include "ops/attention_case.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;
using attention_case::attention_operands;
using attention_case::AttentionNumbers;
using attention_case::AttentionSizes;
using attention_case::kSinkGradient;
using attention_case::Reference;
using attention_case::reference_of;
using attention_case::shape_of;
using cuda::AttentionOperand;
using op_driver::check_op;
using op_driver::OpCase;
using reference::normals;

// ---- twins ----

// The sum over a warp's lanes, as a butterfly adds them.
float warp_sum(const auto& of_lane) {
  float lanes[cuda::kLanes];
  for (int l = 0; l < cuda::kLanes; ++l) lanes[l] = of_lane(l);
  for (int offset = cuda::kLanes / 2; offset > 0; offset /= 2) {
    for (int l = 0; l < offset; ++l) lanes[l] += lanes[l + offset];
  }
  return lanes[0];
}

struct TwinInput {
  const AttentionSizes& s;
  const float *q, *k, *v;
  std::vector<cuda::SegmentRows> rows() const {
    std::vector<cuda::SegmentRows> all;
    for (const AttentionSegment& segment : whole_segments(s.starts))
      all.push_back({segment, segment.q_begin});
    return all;
  }
};

void forward_rows_as_warps(const TwinInput& in, float* out, float* lse) {
  constexpr int kWarps = 8;
  const AttentionShape& shape = in.s.shape;
  const auto segments = in.rows();
  for (std::int64_t row = 0; row < in.s.tokens(); ++row) {
    const auto& at = segments[static_cast<std::size_t>(
        cuda::segment_of_row(segments.data(), static_cast<int>(segments.size()), row))];
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      const std::int64_t q_at = row * in.s.width() + h * shape.head_dim;
      const std::int64_t kv = h / (shape.heads / shape.kv_heads) * shape.head_dim;
      const auto keys = cuda::keys_seen(at.segment, shape, row - at.first);
      std::vector<std::array<cuda::OnlineRow, cuda::kLanes>> parts(kWarps);
      for (auto& part : parts) part.fill(cuda::empty_row());
      for (std::int64_t j = keys.begin; j < keys.end; ++j) {
        const std::int64_t kv_at = (at.segment.kv_begin + j) * in.s.kv_width() + kv;
        const float product =
            warp_sum([&](int l) { return cuda::dot_of_lane(shape.head_dim, in.q + q_at, in.k + kv_at, l); });
        for (int l = 0; l < cuda::kLanes; ++l) {
          cuda::add_key(
              shape.head_dim, cuda::capped_score(shape, product), in.v + kv_at, l,
              parts[static_cast<std::size_t>((j - keys.begin) % kWarps)][static_cast<std::size_t>(l)]);
        }
      }
      for (int l = 0; l < cuda::kLanes; ++l) {
        cuda::OnlineRow whole = parts[0][static_cast<std::size_t>(l)];
        for (int w = 1; w < kWarps; ++w)
          cuda::merge_rows(parts[static_cast<std::size_t>(w)][static_cast<std::size_t>(l)], whole);
        if (!in.s.sinks.empty()) cuda::add_sink(in.s.sinks[static_cast<std::size_t>(h)], whole);
        cuda::finish_row(shape.head_dim, whole, l, out + q_at);
        lse[h * in.s.tokens() + row] = cuda::log_sum_of(whole);
      }
    }
  }
}

void backward_rows_as_warps(const TwinInput& in, const float* lse, const float* delta, const float* dout,
                            float* dq, float* dk, float* dv) {
  const AttentionShape& shape = in.s.shape;
  const std::int64_t dim = shape.head_dim;
  const std::int64_t group = shape.heads / shape.kv_heads;
  const auto pair = [&](std::int64_t q_at, std::int64_t kv_at, std::int64_t number) {
    const float product =
        warp_sum([&](int l) { return cuda::dot_of_lane(dim, in.q + q_at, in.k + kv_at, l); });
    const float dp = warp_sum([&](int l) { return cuda::dot_of_lane(dim, dout + q_at, in.v + kv_at, l); });
    return cuda::pair_gradient(shape, product, dp, lse[number], delta[number]);
  };
  for (const auto& at : in.rows()) {
    for (std::int64_t i = 0; i < at.segment.q_count; ++i) {
      const std::int64_t token = at.segment.q_begin + i;
      for (std::int64_t h = 0; h < shape.heads; ++h) {
        const std::int64_t q_at = token * in.s.width() + h * dim;
        const auto keys = cuda::keys_seen(at.segment, shape, i);
        float sums[cuda::kLanes][cuda::kMostPerLane] = {};
        for (std::int64_t j = keys.begin; j < keys.end; ++j) {
          const std::int64_t kv_at = (at.segment.kv_begin + j) * in.s.kv_width() + h / group * dim;
          const auto g = pair(q_at, kv_at, h * in.s.tokens() + token);
          for (int l = 0; l < cuda::kLanes; ++l) cuda::add_lane(dim, g.ds, in.k + kv_at, l, sums[l]);
        }
        for (int l = 0; l < cuda::kLanes; ++l) cuda::store_lane(dim, sums[l], l, dq + q_at);
      }
    }
    for (std::int64_t j = 0; j < at.segment.kv_count; ++j) {
      for (std::int64_t g = 0; g < shape.kv_heads; ++g) {
        const std::int64_t kv_at = (at.segment.kv_begin + j) * in.s.kv_width() + g * dim;
        const auto queries = cuda::queries_seeing(at.segment, shape, j);
        float k_sums[cuda::kLanes][cuda::kMostPerLane] = {};
        float v_sums[cuda::kLanes][cuda::kMostPerLane] = {};
        for (std::int64_t h = g * group; h < (g + 1) * group; ++h) {
          for (std::int64_t i = queries.begin; i < queries.end; ++i) {
            const std::int64_t token = at.segment.q_begin + i;
            const std::int64_t q_at = token * in.s.width() + h * dim;
            const auto p = pair(q_at, kv_at, h * in.s.tokens() + token);
            for (int l = 0; l < cuda::kLanes; ++l) {
              cuda::add_lane(dim, p.ds, in.q + q_at, l, k_sums[l]);
              cuda::add_lane(dim, p.p, dout + q_at, l, v_sums[l]);
            }
          }
        }
        for (int l = 0; l < cuda::kLanes; ++l) {
          cuda::store_lane(dim, k_sums[l], l, dk + kv_at);
          cuda::store_lane(dim, v_sums[l], l, dv + kv_at);
        }
      }
    }
  }
}

// Does a block's steps by loops.
class PlainSteps {
 public:
  PlainSteps(const AttentionShape& shape, std::int64_t scores) : shape_(shape) {
    for (const auto of : {AttentionOperand::kScores, AttentionOperand::kScoreGrads,
                          AttentionOperand::kProbabilities, AttentionOperand::kProbabilityGrads})
      place(of) = room_.emplace_back(static_cast<std::size_t>(scores), NAN).data();
  }
  float*& place(AttentionOperand of) { return places_[static_cast<std::size_t>(of)]; }
  void set(AttentionOperand of, const float* data) { place(of) = const_cast<float*>(data); }
  float* new_lse = nullptr;
  const float* sinks = nullptr;
  const float* lse = nullptr;
  const float* delta = nullptr;

  void product(const cuda::AttentionProduct& p) {
    const auto at = [&](const cuda::AttentionMatrix& m, std::int64_t i, std::int64_t j,
                        std::int64_t b) -> float& {
      return place(m.of)[m.offset + b * m.stride + (m.transposed ? j * m.ld + i : i * m.ld + j)];
    };
    for (std::int64_t b = 0; b < p.batch; ++b) {
      for (std::int64_t i = 0; i < p.m; ++i) {
        for (std::int64_t j = 0; j < p.n; ++j) {
          float sum = 0.0F;
          for (std::int64_t k = 0; k < p.k; ++k) sum += at(p.a, i, k, b) * at(p.b, k, j, b);
          float& c = at(p.c, i, j, b);
          c = p.beta == 0.0F ? sum : sum + p.beta * c;
        }
      }
    }
  }
  void softmax(const cuda::ScoreBlock& b) {
    for (std::int64_t row = 0; row < b.heads * b.rows; ++row) {
      const float* const products = place(AttentionOperand::kScores) + row * b.ld;
      const auto seen = cuda::columns_seen(b, shape_, row);
      float peak = -INFINITY;
      for (int l = 0; l < cuda::kLanes; ++l)
        peak = std::max(peak, cuda::peak_of_lane(shape_, seen, products, l));
      const float total =
          warp_sum([&](int l) { return cuda::total_of_lane(shape_, seen, products, peak, l); });
      const float sum = cuda::sum_with_sink(peak, total, sinks == nullptr ? nullptr : sinks + row / b.rows);
      for (int l = 0; l < cuda::kLanes; ++l)
        cuda::probabilities_of_lane(shape_, seen, b.cols, products, sum, l,
                                    place(AttentionOperand::kProbabilities) + row * b.ld);
      new_lse[cuda::row_number(b, row)] = sum;
    }
  }
  void gradients(const cuda::ScoreBlock& b) {
    for (std::int64_t row = 0; row < b.heads * b.rows; ++row) {
      const std::int64_t number = cuda::row_number(b, row);
      for (int l = 0; l < cuda::kLanes; ++l) {
        cuda::gradients_of_lane(shape_, cuda::columns_seen(b, shape_, row), b.cols,
                                place(AttentionOperand::kScores) + row * b.ld,
                                place(AttentionOperand::kScoreGrads) + row * b.ld, lse[number], delta[number],
                                l, place(AttentionOperand::kProbabilities) + row * b.ld,
                                place(AttentionOperand::kProbabilityGrads) + row * b.ld);
      }
    }
  }

 private:
  AttentionShape shape_;
  std::list<std::vector<float>> room_;
  float* places_[12] = {};
};

// How the twin goes: rows, or blocks with so many scores at once.
constexpr std::int64_t kByRows = 0;

// dsinks += , as the threads of a block.
void sinks_twin(const AttentionSizes& s, const float* lse, const float* delta, float* dsinks) {
  constexpr int kThreads = 256;
  for (std::size_t h = 0; h < s.sinks.size(); ++h) {
    const auto at = static_cast<std::int64_t>(h) * s.tokens();
    double sum = 0.0;
    for (int t = 0; t < kThreads; ++t)
      sum += cuda::sink_gradient_of_thread(s.tokens(), s.sinks[h], lse + at, delta + at, t, kThreads);
    dsinks[h] += static_cast<float>(sum);
  }
}

// Operands: q, k, v, dout, out, lse, dq, dk, dv, and with sinks those and their gradients.
void attention_twin(const AttentionSizes& s, std::int64_t most_scores, const std::vector<Matrix>& m) {
  const TwinInput in{s, m[0].data, m[1].data, m[2].data};
  std::vector<float> delta(static_cast<std::size_t>(s.shape.heads * s.tokens()));
  const auto deltas = [&] {
    for (std::int64_t t = 0; t < s.tokens(); ++t) {
      for (std::int64_t h = 0; h < s.shape.heads; ++h) {
        const std::int64_t at = t * s.width() + h * s.shape.head_dim;
        delta[static_cast<std::size_t>(h * s.tokens() + t)] = warp_sum(
            [&](int l) { return cuda::dot_of_lane(s.shape.head_dim, m[3].data + at, m[4].data + at, l); });
      }
    }
  };
  if (most_scores == kByRows) {
    forward_rows_as_warps(in, m[4].data, m[5].data);
    deltas();
    if (!s.sinks.empty()) sinks_twin(s, m[5].data, delta.data(), m[10].data);
    return backward_rows_as_warps(in, m[5].data, delta.data(), m[3].data, m[6].data, m[7].data, m[8].data);
  }
  const cuda::AttentionBlocks blocks(s.shape, s.tokens(), most_scores);
  std::int64_t scores = 0;
  const auto segments = whole_segments(s.starts);
  for (const auto& segment : segments) scores = std::max(scores, blocks.scores(segment));
  PlainSteps steps(s.shape, scores);
  constexpr AttentionOperand kOrder[] = {
      AttentionOperand::kQ,   AttentionOperand::kK,  AttentionOperand::kV,  AttentionOperand::kDout,
      AttentionOperand::kOut, AttentionOperand::kDq, AttentionOperand::kDk, AttentionOperand::kDv};
  for (std::size_t i = 0; i < 8; ++i) steps.set(kOrder[i], m[i < 5 ? i : i + 1].data);
  steps.new_lse = m[5].data;
  steps.sinks = s.sinks.empty() ? nullptr : s.sinks.data();
  for (const auto& segment : segments) blocks.forward(segment, steps);
  deltas();
  steps.lse = m[5].data;
  steps.delta = delta.data();
  if (!s.sinks.empty()) sinks_twin(s, m[5].data, delta.data(), m[10].data);
  std::fill_n(m[7].data, m[7].size(), 0.0F);
  std::fill_n(m[8].data, m[8].size(), 0.0F);
  for (const auto& segment : segments) blocks.backward(segment, steps);
}

OpCase attention_case(const AttentionSizes& s, std::int64_t most_scores) {
  const AttentionNumbers x(s);
  Reference r = reference_of(s, x);
  OpCase c = {.name = "attention" + s.text(),
              .operands = attention_operands(s, x),
              .run =
                  [s](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                    const auto segments = whole_segments(s.starts);
                    const ConstVector sinks = s.sinks.empty() ? ConstVector() : ConstVector(m[9].flat());
                    attention_forward(ctx, s.shape, segments, m[0], m[1], m[2], m[4], m[5], sinks);
                    attention_backward(ctx, s.shape, segments, m[0], m[1], m[2], m[4], m[5], m[3], m[6], m[7],
                                       m[8]);
                    if (!s.sinks.empty())
                      attention_sinks_backward(ctx, s.shape, sinks, m[4], m[5], m[3], m[10].flat());
                  },
              .expected = {r.out, r.lse, r.dq, r.dk, r.dv},
              .twin = [s, most_scores](const std::vector<Matrix>& m) { attention_twin(s, most_scores, m); }};
  if (s.sinks.empty()) return c;
  const std::int64_t heads = s.shape.heads;
  c.operands.push_back({"sinks", 1, heads, s.sinks});
  c.operands.push_back({"dsinks", 1, heads, std::vector<float>(s.sinks.size(), kSinkGradient)});
  c.expected.push_back(r.dsinks);
  return c;
}

const std::vector<AttentionSizes>& causal_sizes() {
  static const std::vector<AttentionSizes> all = {
      {{0, 1}, shape_of(1, 1, 2)},
      {{0, 5}, shape_of(2, 2, 33)},
      {{0, 3, 40, 41, 77}, shape_of(4, 2, 5)},
      {{0, 60}, shape_of(6, 2, 16)},
      {{0, 5, 90}, shape_of(2, 1, 4, 9)},
      {{0, 70}, shape_of(1, 1, 8, 50)},
      {{0, 5, 60}, shape_of(4, 2, 6), {3.0F, -2.0F, 0.5F, -60.0F}},
      {{0, 3, 40}, shape_of(2, 1, 5, 9), {1.0F, 30.0F}}};
  return all;
}

TEST(AttentionDevices, RowsAndEveryDevice) {
  for (const AttentionSizes& s : causal_sizes()) check_op(attention_case(s, kByRows));
}

TEST(AttentionDevices, BlocksOfAnySize) {
  for (const AttentionSizes& s : causal_sizes()) {
    for (const std::int64_t most :
         {std::int64_t{1}, 13 * s.shape.heads * s.tokens(), std::int64_t{1} << 24}) {
      OpCase c = attention_case(s, most);
      std::vector<std::vector<float>> after;
      std::vector<Matrix> matrices;
      for (const auto& o : c.operands) after.push_back(o.before);
      for (std::size_t o = 0; o < after.size(); ++o)
        matrices.push_back({after[o].data(), c.operands[o].rows, c.operands[o].cols});
      c.twin(matrices);
      op_driver::internal::compare(c, fmt::format("the processor in blocks of {} scores", most), after);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

// Keys of a cache before the queries: what decoding asks.
TEST(AttentionDevices, RangesAgreeWithEachOther) {
  for (const std::int64_t window : {0, 1, 3, 100}) {
    for (const bool causal : {true, false}) {
      AttentionShape shape = shape_of(1, 1, 4, causal ? window : 0);
      shape.causal = causal;
      for (const std::int64_t q_count : {1, 4, 9}) {
        const AttentionSegment s{7, q_count, 3, 9};
        for (std::int64_t i = 0; i < q_count; ++i) {
          const auto keys = cuda::keys_seen(s, shape, i);
          ASSERT_LT(keys.begin, keys.end);
          for (std::int64_t j = 0; j < s.kv_count; ++j) {
            const auto queries = cuda::queries_seeing(s, shape, j);
            EXPECT_EQ(j >= keys.begin && j < keys.end, i >= queries.begin && i < queries.end);
          }
        }
      }
    }
  }
}

TEST(AttentionDevices, SegmentsAreFoundByTheirRows) {
  const std::vector<std::int64_t> counts = {1, 5, 2, 1, 9};
  std::vector<cuda::SegmentRows> segments;
  std::vector<int> of_row;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    segments.push_back({{0, counts[i], 0, counts[i]}, std::ssize(of_row)});
    of_row.insert(of_row.end(), static_cast<std::size_t>(counts[i]), static_cast<int>(i));
  }
  for (std::size_t row = 0; row < of_row.size(); ++row) {
    EXPECT_EQ(cuda::segment_of_row(segments.data(), static_cast<int>(segments.size()),
                                   static_cast<std::int64_t>(row)),
              of_row[row]);
  }
}

}  // namespace
}  // namespace lq
