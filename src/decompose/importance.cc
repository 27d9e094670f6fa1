#include "decompose/importance.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "backends/cpu/gemm.h"
#include "base/error.h"

namespace lq {
namespace {

// Scales below this share of the root mean square are raised to it: bringing a factor back divides by them.
constexpr double kFloor = 1e-3;

void check_weights(const std::vector<double>& values, std::string_view what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    LQ_CHECK(std::isfinite(values[i]) && values[i] >= 0.0, kInvalidArgument,
             "importance: {} {} is {}, but must be finite and not negative", what, i, values[i]);
  }
}

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double v : values) sum += v;
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

// Square roots with a floor; all ones where every value is zero.
std::vector<float> scales_of(const std::vector<double>& squares, double divisor) {
  const double average = mean(squares);
  std::vector<float> scales(squares.size(), 1.0F);
  if (average <= 0.0) return scales;
  for (std::size_t i = 0; i < squares.size(); ++i) {
    scales[i] = static_cast<float>(std::sqrt(std::max(squares[i], kFloor * kFloor * average) / divisor));
  }
  return scales;
}

std::vector<double> squares_of(const std::vector<float>& scales, std::string_view what) {
  std::vector<double> squares(scales.begin(), scales.end());
  check_weights(squares, what);
  for (double& v : squares) v *= v;
  return squares;
}

std::vector<float> squared(const std::vector<float>& scales) {
  std::vector<float> out(scales);
  for (float& v : out) v *= v;
  return out;
}

}  // namespace

Importance Importance::diagonal(const std::vector<float>& row_scale, const std::vector<float>& col_scale) {
  Importance out;
  out.row_scale_ = scales_of(squares_of(row_scale, "row scale"), 1.0);
  out.col_scale_ = scales_of(squares_of(col_scale, "column scale"), 1.0);
  out.row_square_ = squared(out.row_scale_);
  out.col_square_ = squared(out.col_scale_);
  return out;
}

Importance Importance::fisher(const std::vector<double>& row_means, const std::vector<double>& col_means) {
  check_weights(row_means, "row mean");
  check_weights(col_means, "column mean");
  Importance out;
  const double overall = mean(row_means);
  if (overall <= 0.0 || mean(col_means) <= 0.0) return out;
  out.row_scale_ = scales_of(row_means, 1.0);
  out.col_scale_ = scales_of(col_means, overall);
  out.row_square_ = squared(out.row_scale_);
  out.col_square_ = squared(out.col_scale_);
  return out;
}

Importance Importance::kronecker(std::shared_ptr<const LowerFactor> left,
                                 std::shared_ptr<const LowerFactor> right) {
  Importance out;
  if (left != nullptr) out.row_square_ = left->diagonal();
  if (right != nullptr) out.col_square_ = right->diagonal();
  out.left_ = std::move(left);
  out.right_ = std::move(right);
  return out;
}

ErrorWeights Importance::error_weights() const {
  const auto values = [](const std::shared_ptr<const LowerFactor>& f) {
    return f == nullptr ? nullptr : f->values().data();
  };
  return {row_square_.empty() ? nullptr : row_square_.data(),
          col_square_.empty() ? nullptr : col_square_.data(), values(left_), values(right_),
          values(reversed_right_)};
}

Importance Importance::with_reversed_factor(ThreadPool& pool) const {
  LQ_ASSERT(right_ != nullptr);
  const std::int64_t n = right_->size();
  const std::vector<float>& s = right_->values();
  std::vector<float> moment(s.size());
  backends::gemm(pool, n, n, n, s.data(), n, s.data(), n, moment.data(), n, {.trans_b = true});
  std::reverse(moment.begin(), moment.end());
  Importance out = *this;
  out.reversed_right_ = std::make_shared<const LowerFactor>(
      LowerFactor::of_second_moment(pool, n, std::move(moment), 0.0, "reversed second moment"));
  return out;
}

void Importance::check_shape(std::int64_t rows, std::int64_t cols) const {
  const auto fits = [](std::size_t have, std::int64_t want) {
    return have == 0 || have == static_cast<std::size_t>(want);
  };
  LQ_CHECK(fits(row_square_.size(), rows) && fits(col_square_.size(), cols), kMismatch,
           "importance of a {} x {} matrix given for one of {} x {}", row_square_.size(), col_square_.size(),
           rows, cols);
}

}  // namespace lq
