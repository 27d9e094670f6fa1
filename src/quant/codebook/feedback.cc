#include "quant/codebook/feedback.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include "backends/cpu/gemm.h"
#include "base/error.h"

namespace lq {
namespace {

constexpr std::int64_t kPanelRows = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The number of midpoints below x; x may be anything.
int nearest_code(const Codebook& book, float x) {
  const float scaled = x * 512.0F + 520.0F;
  const int cell = scaled > 0.0F
                       ? static_cast<int>(std::min(scaled, static_cast<float>(backends::kNfCells - 1)))
                       : 0;  // of NaN too
  const std::uint64_t entry = book.cells[cell];
  const auto midpoint = std::bit_cast<float>(static_cast<std::uint32_t>(entry));
  return static_cast<int>(entry >> 32) + (x > midpoint ? 1 : 0);
}

struct Tile {
  std::int64_t row, rows;  // of the matrix
  std::int64_t col, cols;  // in the order of col_factor
};

// One panel of rows, or all of them: errors already made, in the order of col_factor.
struct Errors {
  std::int64_t first_row = 0;  // of f and e
  float* f = nullptr;          // [., cols]
  float* e = nullptr;          // [., cols]; null without row_factor: it is f then
};

class FeedbackPass {
 public:
  FeedbackPass(ThreadPool& pool, const FeedbackProblem& problem, const FeedbackOutputs& out)
      : pool_(pool), p_(problem), out_(out) {}

  void run_rows_apart() {
    const std::int64_t panels = (p_.rows + kPanelRows - 1) / kPanelRows;
    pool_.run(panels, [&](std::int64_t panel) {
      const std::int64_t row = panel * kPanelRows;
      const std::int64_t rows = std::min(kPanelRows, p_.rows - row);
      std::vector<float> f(static_cast<std::size_t>(rows * p_.cols));
      for (std::int64_t end = p_.cols; end > 0; end -= kFeedbackTile) {
        const std::int64_t col = std::max<std::int64_t>(0, end - kFeedbackTile);
        quantize_tile({row, rows, col, end - col}, {row, f.data(), nullptr});
      }
    });
  }

  // A tile needs those below it and those to its right: tiles on a diagonal need not wait for one another.
  void run_diagonals() {
    std::vector<float> f(static_cast<std::size_t>(p_.rows * p_.cols));
    std::vector<float> e(f.size());
    const std::int64_t down = (p_.rows + kPanelRows - 1) / kPanelRows;
    const std::int64_t across = (p_.cols + kFeedbackTile - 1) / kFeedbackTile;
    for (std::int64_t wave = 0; wave < down + across - 1; ++wave) {
      const std::int64_t first = std::max<std::int64_t>(0, wave - across + 1);
      const std::int64_t last = std::min(wave, down - 1);
      pool_.run(last - first + 1, [&](std::int64_t k) {
        const std::int64_t row_end = p_.rows - (first + k) * kPanelRows;
        const std::int64_t col_end = p_.cols - (wave - first - k) * kFeedbackTile;
        const std::int64_t row = std::max<std::int64_t>(0, row_end - kPanelRows);
        const std::int64_t col = std::max<std::int64_t>(0, col_end - kFeedbackTile);
        quantize_tile({row, row_end - row, col, col_end - col}, {0, f.data(), e.data()});
      });
    }
  }

 private:
  // Where column j, in the order of col_factor, lies in the matrix.
  std::int64_t place(std::int64_t j) const { return p_.first_to_last ? p_.cols - 1 - j : j; }

  void quantize_tile(const Tile& t, const Errors& errors) const {
    std::vector<float> wanted(static_cast<std::size_t>(t.rows * t.cols));  // W, moved for the rows below
    std::vector<float> passed(static_cast<std::size_t>(t.rows * t.cols), 0.0F);  // F S of the columns done
    for (std::int64_t r = 0; r < t.rows; ++r) {
      const float* from = p_.w + (t.row + r) * p_.cols;
      for (std::int64_t c = 0; c < t.cols; ++c) wanted[at(t, r, c)] = from[place(t.col + c)];
      if (errors.e == nullptr) continue;
      std::copy_n(&wanted[at(t, r, 0)], t.cols, errors.e + (t.row + r) * p_.cols + t.col);  // E = W - Q
    }
    const std::int64_t below = t.row + t.rows;
    if (p_.row_factor != nullptr && below < p_.rows) {
      std::vector<float> move(wanted.size());
      backends::gemm(pool_, t.rows, t.cols, p_.rows - below, p_.row_factor + below * p_.rows + t.row, p_.rows,
                     errors.e + below * p_.cols + t.col, p_.cols, move.data(), t.cols, {.trans_a = true});
      for (std::int64_t r = 0; r < t.rows; ++r) {
        const float inverse = 1.0F / diagonal(p_.row_factor, p_.rows, t.row + r);
        for (std::int64_t c = 0; c < t.cols; ++c) wanted[at(t, r, c)] += move[at(t, r, c)] * inverse;
      }
    }
    const std::int64_t right = t.col + t.cols;
    if (p_.col_factor != nullptr && right < p_.cols) {
      backends::gemm(pool_, t.rows, t.cols, p_.cols - right,
                     errors.f + (t.row - errors.first_row) * p_.cols + right, p_.cols,
                     p_.col_factor + right * p_.cols + t.col, p_.cols, passed.data(), t.cols);
    }
    for (std::int64_t r = t.rows - 1; r >= 0; --r) {
      quantize_row(t, r, &wanted[at(t, r, 0)], &passed[at(t, r, 0)], errors);
      if (p_.row_factor != nullptr) move_rows_above(t, r, errors, wanted);
    }
  }

  void quantize_row(const Tile& t, std::int64_t r, const float* wanted, float* passed,
                    const Errors& errors) const {
    const std::int64_t i = t.row + r;
    float inverse[kFeedbackTile];
    for (std::int64_t c = 0; c < t.cols; ++c) {
      inverse[c] = p_.col_factor == nullptr ? 0.0F : 1.0F / diagonal(p_.col_factor, p_.cols, t.col + c);
    }
    float* f = errors.f + (i - errors.first_row) * p_.cols + t.col;
    for (std::int64_t c = t.cols - 1; c >= 0; --c) {
      const std::int64_t element = i * p_.cols + place(t.col + c);
      const float scale = p_.scales[element / p_.block];
      const float target = wanted[c] + passed[c] * inverse[c];
      const int code = nearest_code(*p_.book, target / (scale == 0.0F ? kInfinity : scale));
      const float value = p_.book->values[code] * scale;
      if (errors.e != nullptr) errors.e[i * p_.cols + t.col + c] -= value;
      if (out_.codes != nullptr) out_.codes[element] = static_cast<std::uint8_t>(code);
      if (out_.q != nullptr) out_.q[element] = value;
      if (out_.targets != nullptr) out_.targets[element] = target;
      const float error = wanted[c] - value;
      f[c] = error;
      if (p_.col_factor == nullptr) continue;
      const float* s = p_.col_factor + (t.col + c) * p_.cols + t.col;
      for (std::int64_t k = 0; k < c; ++k) passed[k] += error * s[k];
    }
  }

  void move_rows_above(const Tile& t, std::int64_t r, const Errors& errors,
                       std::vector<float>& wanted) const {
    const float* e = errors.e + (t.row + r) * p_.cols + t.col;
    const float* factors = p_.row_factor + (t.row + r) * p_.rows + t.row;
    for (std::int64_t above = 0; above < r; ++above) {
      const float share = factors[above] / diagonal(p_.row_factor, p_.rows, t.row + above);
      for (std::int64_t c = 0; c < t.cols; ++c) wanted[at(t, above, c)] += share * e[c];
    }
  }

  static std::size_t at(const Tile& t, std::int64_t r, std::int64_t c) {
    return static_cast<std::size_t>(r * t.cols + c);
  }
  static float diagonal(const float* factor, std::int64_t n, std::int64_t i) { return factor[i * n + i]; }

  ThreadPool& pool_;
  const FeedbackProblem& p_;
  const FeedbackOutputs& out_;
};

}  // namespace

void feedback_quantize(ThreadPool& pool, const FeedbackProblem& problem, const FeedbackOutputs& out) {
  LQ_ASSERT(problem.book != nullptr && problem.scales != nullptr);
  FeedbackPass pass(pool, problem, out);
  if (problem.row_factor == nullptr) {
    pass.run_rows_apart();
  } else {
    pass.run_diagonals();
  }
}

}  // namespace lq
