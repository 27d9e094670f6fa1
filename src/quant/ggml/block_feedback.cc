#include "quant/ggml/block_feedback.h"

#include <vector>

#include "quant/error_panels.h"
#include "quant/ggml/group_coder.h"

namespace lq::ggml {
namespace {

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
        weights_(weights),
        s_(weights.col_factor),
        t_(weights.row_factor),
        row_bytes_(cols / kind.weights * type_info(kind.type).bytes),
        blocks_(blocks) {}

  void run() {
    code_panels(
        pool_, rows_, cols_, kGroupColumns, weights_, [&] { return GroupCoder(kind_, search_); },
        [&](GroupCoder& coder, const ErrorRegion& g, const PanelErrors& errors) {
          code_group(coder, g, errors);
        });
  }

 private:
  void code_group(GroupCoder& coder, const ErrorRegion& g, const PanelErrors& errors) {
    const auto size = static_cast<std::size_t>(g.rows * g.cols);
    std::vector<float> moved(size, 0.0F);   // what rows take on from those below
    std::vector<float> passed(size, 0.0F);  // F S of the columns done
    take_on_errors(pool_, g, rows_, cols_, weights_, errors, moved.data(), passed.data());
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
  const ErrorWeights& weights_;
  const float* s_;
  const float* t_;
  std::int64_t row_bytes_;
  std::uint8_t* blocks_;
};

}  // namespace

void feed_back_blocks(ThreadPool& pool, const BlockKind& kind, bool search, const float* w, std::int64_t rows,
                      std::int64_t cols, const ErrorWeights& weights, std::uint8_t* blocks) {
  BlockPass pass(pool, kind, search, w, rows, cols, weights, blocks);
  pass.run();
}

}  // namespace lq::ggml
