// Attention of one segment as products of matrices, block of queries by block of queries, for whoever can
// multiply: cuBLAS (attention.cc), or a loop on the processor in a test. Knows where each operand lies, and
// no arithmetic.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/attention_shape.h"
#include "backends/cuda/attention_element.h"

namespace lq::backends::cuda {

// What takes part. Queries, keys and their like are [tokens, heads * head_dim]; scores and their like are
// a block's [heads, rows, ld].
enum class AttentionOperand : std::uint8_t {
  kQ,
  kK,
  kV,
  kOut,
  kDout,
  kDq,
  kDk,
  kDv,
  kScores,
  kScoreGrads,  // dout v
  kProbabilities,
  kProbabilityGrads  // of q k
};

struct AttentionMatrix {
  AttentionOperand of = AttentionOperand::kQ;
  std::int64_t offset = 0, ld = 0, stride = 0;  // elements; stride: from one of the batch to the next
  bool transposed = false;
};

// c = op(a) op(b) + beta c, `batch` times.
struct AttentionProduct {
  std::int64_t m = 0, n = 0, k = 0, batch = 0;
  AttentionMatrix a, b, c;
  float beta = 0.0F;
};

class AttentionBlocks {
 public:
  // tokens: rows of q. most_scores: numbers of scores that may be in memory at once.
  AttentionBlocks(const AttentionShape& shape, std::int64_t tokens, std::int64_t most_scores)
      : shape_(shape), tokens_(tokens), most_scores_(most_scores) {}

  // Queries of a block.
  std::int64_t block_rows(const AttentionSegment& s) const {
    constexpr std::int64_t kMost = 256;
    const std::int64_t fit = most_scores_ / std::max<std::int64_t>(1, shape_.heads * s.kv_count);
    return std::clamp<std::int64_t>(fit, 1, std::min(kMost, std::max<std::int64_t>(1, s.q_count)));
  }
  // Scores in memory at once.
  std::int64_t scores(const AttentionSegment& s) const {
    return shape_.heads * block_rows(s) * padded(s.kv_count);
  }

  // Steps has product(AttentionProduct), softmax(ScoreBlock): probabilities and log-sums from scores, and
  // gradients(ScoreBlock): probabilities and their gradients from scores and kScoreGrads.
  template <typename Steps>
  void forward(const AttentionSegment& s, Steps& steps) const {
    each_block(s, [&](const ScoreBlock& b) {
      each_group([&](std::int64_t g) { steps.product(scores_of(b, g, AttentionOperand::kScores)); });
      steps.softmax(b);
      each_group([&](std::int64_t g) {
        steps.product({b.rows, shape_.head_dim, b.cols, shape_.kv_heads,
                       block_matrix(b, g, AttentionOperand::kProbabilities), keys(b, AttentionOperand::kV),
                       queries(b, g, AttentionOperand::kOut), 0.0F});
      });
    });
  }

  // dq = , dk += , dv += .
  template <typename Steps>
  void backward(const AttentionSegment& s, Steps& steps) const {
    each_block(s, [&](const ScoreBlock& b) {
      each_group([&](std::int64_t g) {
        steps.product(scores_of(b, g, AttentionOperand::kScores));
        steps.product(scores_of(b, g, AttentionOperand::kScoreGrads));
      });
      steps.gradients(b);
      // Heads of a group add to the same keys one after the other: the same sums in every run.
      each_group([&](std::int64_t g) {
        const AttentionMatrix ds = block_matrix(b, g, AttentionOperand::kProbabilityGrads);
        const AttentionMatrix p = block_matrix(b, g, AttentionOperand::kProbabilities);
        steps.product({b.rows, shape_.head_dim, b.cols, shape_.kv_heads, ds, keys(b, AttentionOperand::kK),
                       queries(b, g, AttentionOperand::kDq), 0.0F});
        steps.product({b.cols, shape_.head_dim, b.rows, shape_.kv_heads, turned(ds),
                       queries(b, g, AttentionOperand::kQ), keys(b, AttentionOperand::kDk), 1.0F});
        steps.product({b.cols, shape_.head_dim, b.rows, shape_.kv_heads, turned(p),
                       queries(b, g, AttentionOperand::kDout), keys(b, AttentionOperand::kDv), 1.0F});
      });
    });
  }

 private:
  // Tensor cores want rows that begin on multiples of 16 bytes.
  static std::int64_t padded(std::int64_t cols) { return (cols + 7) / 8 * 8; }
  std::int64_t group() const { return shape_.heads / shape_.kv_heads; }

  template <typename Body>
  void each_block(const AttentionSegment& s, const Body& body) const {
    const std::int64_t step = block_rows(s);
    for (std::int64_t q0 = 0; q0 < s.q_count; q0 += step) {
      ScoreBlock b = {s, shape_.heads, q0, std::min(step, s.q_count - q0), 0, 0, 0, tokens_};
      b.k0 = keys_seen(s, shape_, q0).begin;
      b.cols = keys_seen(s, shape_, q0 + b.rows - 1).end - b.k0;
      b.ld = padded(b.cols);
      body(b);
    }
  }
  // Query heads g, g + group, ... read key heads 0, 1, ...: a batch.
  template <typename Body>
  void each_group(const Body& body) const {
    for (std::int64_t g = 0; g < group(); ++g) body(g);
  }

  AttentionMatrix queries(const ScoreBlock& b, std::int64_t g, AttentionOperand of) const {
    const std::int64_t width = shape_.heads * shape_.head_dim;
    return {of, (b.segment.q_begin + b.q0) * width + g * shape_.head_dim, width, group() * shape_.head_dim,
            false};
  }
  AttentionMatrix keys(const ScoreBlock& b, AttentionOperand of) const {
    const std::int64_t width = shape_.kv_heads * shape_.head_dim;
    return {of, (b.segment.kv_begin + b.k0) * width, width, shape_.head_dim, false};
  }
  AttentionMatrix block_matrix(const ScoreBlock& b, std::int64_t g, AttentionOperand of) const {
    return {of, g * b.rows * b.ld, b.ld, group() * b.rows * b.ld, false};
  }
  static AttentionMatrix turned(AttentionMatrix m) {
    m.transposed = true;
    return m;
  }
  // q k^T, or dout v^T.
  AttentionProduct scores_of(const ScoreBlock& b, std::int64_t g, AttentionOperand of) const {
    const bool grads = of == AttentionOperand::kScoreGrads;
    return {b.rows,
            b.cols,
            shape_.head_dim,
            shape_.kv_heads,
            queries(b, g, grads ? AttentionOperand::kDout : AttentionOperand::kQ),
            turned(keys(b, grads ? AttentionOperand::kV : AttentionOperand::kK)),
            block_matrix(b, g, of),
            0.0F};
  }

  AttentionShape shape_;
  std::int64_t tokens_;
  std::int64_t most_scores_;
};

}  // namespace lq::backends::cuda
