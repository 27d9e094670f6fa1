#include "quant/ggml/block_feedback.h"

#include <algorithm>
#include <vector>

#include "backends/cpu/gemm.h"
#include "quant/ggml/group_coder.h"

namespace lq::ggml {
namespace {

constexpr std::int64_t kPanelOfRows = 64;  // whose errors are passed on together

struct Group {
  std::int64_t row, rows, col, cols;
};

// Errors already made, of all rows or of one panel's.
struct GroupErrors {
  std::int64_t first_row = 0;  // of f and e
  float* f = nullptr;          // [., cols]: E plus what its rows were moved by
  float* e = nullptr;          // [., cols]: E; null without row_factor
};

class BlockPass {
 public:
  BlockPass(ThreadPool& pool, const BlockKind& kind, bool search, const float* w, std::int64_t rows,
            std::int64_t cols, const ErrorWeights& weights, std::uint8_t* blocks)
      : pool_(pool),
        kind_(kind),
        search_(search),
        w_(w),
        rows_(rows),
        cols_(cols),
        s_(weights.col_factor),
        t_(weights.row_factor),
        row_bytes_(cols / kind.weights * type_info(kind.type).bytes),
        blocks_(blocks) {}

  void run_rows_apart() {
    pool_.run((rows_ + kPanelOfRows - 1) / kPanelOfRows, [&](std::int64_t panel) {
      GroupCoder coder(kind_, search_);
      const std::int64_t row = panel * kPanelOfRows;
      const std::int64_t count = std::min(kPanelOfRows, rows_ - row);
      std::vector<float> f(static_cast<std::size_t>(count * cols_));
      for (std::int64_t g = (cols_ - 1) / kGroupColumns; g >= 0; --g) {
        code_group(coder, group_at(row, count, g), {row, f.data(), nullptr});
      }
    });
  }

  // A group needs those below it and those to its right: groups on a diagonal need not wait for one another.
  void run_diagonals() {
    std::vector<float> f(static_cast<std::size_t>(rows_ * cols_));
    std::vector<float> e(f.size());
    const std::int64_t down = (rows_ + kPanelOfRows - 1) / kPanelOfRows;
    const std::int64_t across = (cols_ + kGroupColumns - 1) / kGroupColumns;
    for (std::int64_t wave = 0; wave < down + across - 1; ++wave) {
      const std::int64_t first = std::max<std::int64_t>(0, wave - across + 1);
      const std::int64_t last = std::min(wave, down - 1);
      pool_.run(last - first + 1, [&](std::int64_t k) {
        GroupCoder coder(kind_, search_);
        const std::int64_t row = (down - 1 - first - k) * kPanelOfRows;
        const std::int64_t g = across - 1 - (wave - first - k);
        code_group(coder, group_at(row, std::min(kPanelOfRows, rows_ - row), g), {0, f.data(), e.data()});
      });
    }
  }

 private:
  Group group_at(std::int64_t row, std::int64_t rows, std::int64_t g) const {
    const std::int64_t col = g * kGroupColumns;
    return {row, rows, col, std::min<std::int64_t>(kGroupColumns, cols_ - col)};
  }

  void code_group(GroupCoder& coder, const Group& g, const GroupErrors& errors) {
    const auto size = static_cast<std::size_t>(g.rows * g.cols);
    std::vector<float> moved(size, 0.0F);   // what rows take on from those below
    std::vector<float> passed(size, 0.0F);  // F S of the columns done
    const std::int64_t under = g.row + g.rows;
    if (t_ != nullptr && under < rows_) {
      backends::gemm(pool_, g.rows, g.cols, rows_ - under, t_ + under * rows_ + g.row, rows_,
                     errors.e + under * cols_ + g.col, cols_, moved.data(), g.cols, {.trans_a = true});
    }
    const std::int64_t right = g.col + g.cols;
    if (right < cols_) {
      backends::gemm(pool_, g.rows, g.cols, cols_ - right,
                     errors.f + (g.row - errors.first_row) * cols_ + right, cols_, s_ + right * cols_ + g.col,
                     cols_, passed.data(), g.cols);
    }
    const GroupFactor factor = {s_ + g.col * cols_ + g.col, cols_, static_cast<int>(g.cols)};
    std::vector<float> wanted(static_cast<std::size_t>(g.cols));
    std::vector<float> values(wanted.size());
    const std::int64_t begin = g.col / kind_.weights * type_info(kind_.type).bytes;
    for (std::int64_t r = g.rows - 1; r >= 0; --r) {
      const std::int64_t row = g.row + r;
      const float* const from = w_ + row * cols_ + g.col;
      const float inverse = t_ == nullptr ? 0.0F : 1.0F / t_[row * rows_ + row];
      const float* const move = moved.data() + r * g.cols;
      for (std::size_t c = 0; c < wanted.size(); ++c) wanted[c] = from[c] + move[c] * inverse;
      coder.code(factor, wanted.data(), passed.data() + r * g.cols, values.data(),
                 blocks_ + row * row_bytes_ + begin);
      float* const f = errors.f + (row - errors.first_row) * cols_ + g.col;
      for (std::size_t c = 0; c < wanted.size(); ++c) f[c] = wanted[c] - values[c];
      if (t_ == nullptr) continue;
      float* const e = errors.e + row * cols_ + g.col;
      for (std::size_t c = 0; c < wanted.size(); ++c) e[c] = from[c] - values[c];
      for (std::int64_t above = 0; above < r; ++above) {
        const float share = t_[row * rows_ + g.row + above];
        float* const to = moved.data() + above * g.cols;
        for (std::size_t c = 0; c < wanted.size(); ++c) to[c] += share * e[c];
      }
    }
  }

  ThreadPool& pool_;
  const BlockKind& kind_;
  bool search_;
  const float* w_;
  std::int64_t rows_, cols_;
  const float* s_;
  const float* t_;
  std::int64_t row_bytes_;
  std::uint8_t* blocks_;
};

}  // namespace

void feed_back_blocks(ThreadPool& pool, const BlockKind& kind, bool search, const float* w, std::int64_t rows,
                      std::int64_t cols, const ErrorWeights& weights, std::uint8_t* blocks) {
  BlockPass pass(pool, kind, search, w, rows, cols, weights, blocks);
  if (weights.row_factor == nullptr) {
    pass.run_rows_apart();
  } else {
    pass.run_diagonals();
  }
}

}  // namespace lq::ggml
