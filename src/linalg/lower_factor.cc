#include "linalg/lower_factor.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/gemm.h"
#include "base/error.h"
#include "linalg/small_dense.h"

namespace lq {
namespace {

constexpr std::int64_t kBlock = LowerFactor::kBlock;
// Columns of a product with S at a time: everything above the panel's first row is zero and is skipped.
constexpr std::int64_t kPanel = 512;
constexpr double kFirstDamping = 1e-6;  // where none was asked for and the matrix is singular

// blocks of kBlock: calls body(begin, size), last block first.
template <typename Body>
void for_blocks_backward(std::int64_t n, const Body& body) {
  for (std::int64_t begin = (n - 1) / kBlock * kBlock; begin >= 0; begin -= kBlock) {
    body(begin, std::min(kBlock, n - begin));
  }
}

}  // namespace

LowerFactor LowerFactor::of_second_moment(ThreadPool& pool, std::int64_t n, std::vector<float> second_moment,
                                          double damping, std::string_view who) {
  LQ_CHECK(second_moment.size() == static_cast<std::size_t>(n * n), kInvalidArgument,
           "{}: second moment of {} values, but {} x {} were expected", who, second_moment.size(), n, n);
  LowerFactor out;
  out.n_ = n;
  out.s_ = std::move(second_moment);
  float* s = out.s_.data();
  double mean = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) {
      LQ_CHECK(std::isfinite(s[i * n + j]), kInvalidArgument,
               "{}: second moment [{}, {}] is {}, but must be finite", who, i, j, s[i * n + j]);
    }
    LQ_CHECK(s[i * n + i] >= 0.0F, kInvalidArgument,
             "{}: second moment [{}, {}] is {}, but must not be negative", who, i, i, s[i * n + i]);
    mean += static_cast<double>(s[i * n + i]) / static_cast<double>(n);
  }
  if (mean == 0.0) {  // an input that never fires: every error matters the same
    std::fill(out.s_.begin(), out.s_.end(), 0.0F);
    for (std::int64_t i = 0; i < n; ++i) s[i * n + i] = 1.0F;
    mean = 1.0;
    damping = 0.0;
  }
  // The upper triangle keeps the matrix while the lower one becomes the factor.
  std::vector<float> diagonal(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    diagonal[static_cast<std::size_t>(i)] = s[i * n + i];
    for (std::int64_t j = 0; j < i; ++j) s[j * n + i] = s[i * n + j];
  }
  for (out.damping_ = damping;; out.damping_ = out.damping_ > 0.0 ? 10.0 * out.damping_ : kFirstDamping) {
    LQ_CHECK(out.damping_ < 1e6, kInvalidArgument, "{}: second moment is not positive semidefinite", who);
    for (std::int64_t i = 0; i < n; ++i) {
      s[i * n + i] = static_cast<float>(static_cast<double>(diagonal[static_cast<std::size_t>(i)]) +
                                        out.damping_ * mean);
      for (std::int64_t j = 0; j < i; ++j) s[i * n + j] = s[j * n + i];
    }
    if (out.factor(pool)) break;
  }
  for (std::int64_t i = 0; i < n; ++i) std::fill(s + i * n + i + 1, s + (i + 1) * n, 0.0F);
  return out;
}

bool LowerFactor::factor(ThreadPool& pool) {
  float* s = s_.data();
  inverses_.assign(static_cast<std::size_t>((n_ + kBlock - 1) / kBlock * kBlock * kBlock), 0.0F);
  std::vector<float> below;
  for (std::int64_t k = 0; k < n_; k += kBlock) {
    const std::int64_t b = std::min(kBlock, n_ - k);
    const std::int64_t rest = n_ - k - b;
    // From columns [k, k + b), what the columns to the left explain is taken off. The diagonal block is
    // worked on apart: its upper triangle must stay.
    std::vector<float> diagonal(static_cast<std::size_t>(b * b), 0.0F);
    if (k > 0) {
      backends::gemm(pool, b, b, k, s + k * n_, n_, s + k * n_, n_, diagonal.data(), b,
                     {.trans_b = true, .alpha = -1.0F});
      backends::gemm(pool, rest, b, k, s + (k + b) * n_, n_, s + k * n_, n_, s + (k + b) * n_ + k, n_,
                     {.trans_b = true, .alpha = -1.0F, .beta = 1.0F});
    }
    std::vector<double> block(static_cast<std::size_t>(b * b));
    for (std::int64_t i = 0; i < b; ++i) {
      for (std::int64_t j = 0; j <= i; ++j) {
        const auto at = static_cast<std::size_t>(i * b + j);
        block[at] = static_cast<double>(s[(k + i) * n_ + k + j]) + static_cast<double>(diagonal[at]);
      }
    }
    if (!cholesky_in_place(b, block.data())) return false;
    for (std::int64_t i = 0; i < b; ++i) {
      for (std::int64_t j = 0; j <= i; ++j) {
        s[(k + i) * n_ + k + j] = static_cast<float>(block[static_cast<std::size_t>(i * b + j)]);
      }
    }
    invert_lower_in_place(b, block.data());
    float* inverse = inverses_.data() + k * kBlock;
    std::copy(block.begin(), block.end(), inverse);
    if (rest == 0) continue;
    below.resize(static_cast<std::size_t>(rest * b));
    float* from = s + (k + b) * n_ + k;
    backends::gemm(pool, rest, b, b, from, n_, inverse, b, below.data(), b, {.trans_b = true});
    for (std::int64_t i = 0; i < rest; ++i)
      std::copy(below.data() + i * b, below.data() + (i + 1) * b, from + i * n_);
  }
  return true;
}

std::vector<float> LowerFactor::diagonal() const {
  std::vector<float> out(static_cast<std::size_t>(n_));
  for (std::int64_t i = 0; i < n_; ++i) {
    double sum = 0.0;
    for (std::int64_t j = 0; j <= i; ++j)
      sum += std::pow(static_cast<double>(s_[static_cast<std::size_t>(i * n_ + j)]), 2);
    out[static_cast<std::size_t>(i)] = static_cast<float>(sum);
  }
  return out;
}

void LowerFactor::multiply_right(ThreadPool& pool, std::int64_t m, const float* a, float* out) const {
  for (std::int64_t j = 0; j < n_; j += kPanel) {
    backends::gemm(pool, m, std::min(kPanel, n_ - j), n_ - j, a + j, n_, s_.data() + j * n_ + j, n_, out + j,
                   n_);
  }
}

void LowerFactor::multiply_transposed_left(ThreadPool& pool, std::int64_t m, const float* a,
                                           float* out) const {
  for (std::int64_t i = 0; i < n_; i += kPanel) {
    backends::gemm(pool, std::min(kPanel, n_ - i), m, n_ - i, s_.data() + i * n_ + i, n_, a + i * m, m,
                   out + i * m, m, {.trans_a = true});
  }
}

void LowerFactor::solve_right(ThreadPool& pool, std::int64_t m, float* x) const {
  // y S = x, from the last columns to the first: y_j = (x_j - sum over i > j of y_i S_ij) S_jj^-1.
  std::vector<float> solved;
  for_blocks_backward(n_, [&](std::int64_t j, std::int64_t b) {
    const std::int64_t done = j + b;
    if (done < n_) {
      backends::gemm(pool, m, b, n_ - done, x + done, n_, s_.data() + done * n_ + j, n_, x + j, n_,
                     {.alpha = -1.0F, .beta = 1.0F});
    }
    solved.resize(static_cast<std::size_t>(m * b));
    backends::gemm(pool, m, b, b, x + j, n_, inverses_.data() + j * kBlock, b, solved.data(), b);
    for (std::int64_t i = 0; i < m; ++i)
      std::copy(solved.data() + i * b, solved.data() + (i + 1) * b, x + i * n_ + j);
  });
}

void LowerFactor::solve_transposed_left(ThreadPool& pool, std::int64_t m, float* x) const {
  // S^T y = x: y_i = S_ii^-T (x_i - sum over k > i of S_ki^T y_k).
  std::vector<float> solved;
  for_blocks_backward(n_, [&](std::int64_t i, std::int64_t b) {
    const std::int64_t done = i + b;
    if (done < n_) {
      backends::gemm(pool, b, m, n_ - done, s_.data() + done * n_ + i, n_, x + done * m, m, x + i * m, m,
                     {.trans_a = true, .alpha = -1.0F, .beta = 1.0F});
    }
    solved.resize(static_cast<std::size_t>(b * m));
    backends::gemm(pool, b, m, b, inverses_.data() + i * kBlock, b, x + i * m, m, solved.data(), m,
                   {.trans_a = true});
    std::copy(solved.begin(), solved.end(), x + i * m);
  });
}

}  // namespace lq
