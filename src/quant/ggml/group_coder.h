// One row of one group of columns, coded with feedback within it (block_feedback.h).
#pragma once

#include <cstdint>
#include <vector>

#include "quant/ggml/block_kind.h"

namespace lq::ggml {

inline constexpr int kGroupColumns = 256;

// The diagonal block of a group in a lower triangular factor: element (l, j) is s[l * stride + j].
struct GroupFactor {
  const float* s = nullptr;
  std::int64_t stride = 0;
  int n = 0;  // columns: whole blocks, at most kGroupColumns
};

// Not thread-safe: it holds the scratch of one row.
class GroupCoder {
 public:
  GroupCoder(const BlockKind& kind, bool search);

  // wanted: [n], the weights, moved for the rows below. passed: [n], F S of the columns done. values: [n],
  // what the codes stand for. out: the row's blocks of the group.
  void code(const GroupFactor& factor, const float* wanted, const float* passed, float* values,
            std::uint8_t* out);

 private:
  struct Coded {
    std::vector<BlockScales> scales;  // of each block
    std::vector<std::uint8_t> codes;  // [n]
    std::vector<float> e, rest;       // [n]: targets - values, and that times S
    double error = 0.0;               // ||rest||^2
  };
  void move_targets(const GroupFactor& factor, const float* wanted, const float* passed);
  void choose_codes(const GroupFactor& factor, Coded& coded) const;
  void refit(const GroupFactor& factor, Coded& coded);
  void refit_block(const GroupFactor& factor, int block, Coded& coded);
  // The step along direction_ (of columns [begin, end)) that leaves least of coded.rest.
  double best_step(const GroupFactor& factor, int begin, int end, const Coded& coded);
  void take_step(double step, int begin, int end, Coded& coded) const;

  const BlockKind& kind_;
  bool search_;
  std::vector<float> targets_;    // [n]
  std::vector<float> direction_;  // [n], and that times S
  std::vector<float> along_;
  Coded first_, second_;
};

}  // namespace lq::ggml
