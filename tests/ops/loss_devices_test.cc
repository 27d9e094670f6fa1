// Cross-entropy and divergence on every device.
#include <gtest/gtest.h>

#include "backends/cuda/loss_element.h"
#include "ops/cross_entropy.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;
using op_driver::check_op;
using op_driver::Expected;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

// What losses are off by: exponentials of some roundings each, their sum, and the logarithm's own.
double loss_bound(std::int64_t cols, double largest) {
  return kRounding * (static_cast<double>(cols) + 40 + 8 * largest);
}

double log_sum_in_double(const float* x, std::int64_t cols) {
  double peak = -INFINITY;
  double total = 0.0;
  for (std::int64_t i = 0; i < cols; ++i) peak = std::max(peak, double{x[i]});
  for (std::int64_t i = 0; i < cols; ++i) total += std::exp(x[i] - peak);
  return peak + std::log(total);
}

float row_log_sum_as_threads(std::int64_t cols, const float* x) {
  cuda::SoftmaxPart parts[cuda::kLossThreads];
  for (int t = 0; t < cuda::kLossThreads; ++t) parts[t] = cuda::softmax_of_thread(cols, x, t);
  for (int half = cuda::kLossThreads / 2; half > 0; half /= 2) {
    for (int t = 0; t < half; ++t) parts[t] = cuda::merge_softmax(parts[t], parts[t + half]);
  }
  return cuda::log_sum(parts[0]);
}

std::vector<std::int32_t> some_targets(std::int64_t rows, std::int64_t cols) {
  std::vector<std::int32_t> targets;
  for (std::int64_t t = 0; t < rows; ++t)
    targets.push_back(t % 4 == 2 ? kIgnoreTarget : static_cast<std::int32_t>(t * 7 % cols));
  return targets;
}

OpCase loss_case(std::int64_t rows, std::int64_t cols, bool with_gradient) {
  constexpr float kScale = 0.25F;
  const auto logits = normals(static_cast<std::size_t>(rows * cols), 1, 6.0F);
  const auto targets = some_targets(rows, cols);
  Expected losses{1, {}, {}};
  Expected gradients{0, {}, {}};
  for (std::int64_t t = 0; t < rows; ++t) {
    const float* const x = logits.data() + t * cols;
    const std::int32_t target = targets[static_cast<std::size_t>(t)];
    const double lse = log_sum_in_double(x, cols);
    const double bound = loss_bound(cols, 30);
    losses.values.push_back(target < 0 ? 0.0 : lse - x[target]);
    losses.bounds.push_back(target < 0 ? 0.0 : bound);
    for (std::int64_t c = 0; c < cols; ++c) {
      const double p = target < 0 ? 0.0 : kScale * std::exp(x[c] - lse);
      gradients.values.push_back(c == target ? p - kScale : p);
      gradients.bounds.push_back(target < 0 ? 0.0 : p * bound + 4 * kRounding * (c == target ? kScale : p));
    }
  }
  OpCase c{.name = fmt::format("cross_entropy{} {} x {}", with_gradient ? " with gradient" : "", rows, cols),
           .operands = {{"logits", rows, cols, logits},
                        {"losses", 1, rows, normals(static_cast<std::size_t>(rows), 9)}},
           .run =
               [=](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                 std::vector<float> result(static_cast<std::size_t>(rows));
                 with_gradient ? cross_entropy_forward_backward(ctx, m[0], targets, kScale, result)
                               : cross_entropy_forward(ctx, m[0], targets, result);
                 copy_values(ctx, result, m[1].flat());
               },
           .expected = {losses},
           .twin =
               [=](const std::vector<Matrix>& m) {
                 for (std::int64_t t = 0; t < rows; ++t) {
                   const std::int32_t target = targets[static_cast<std::size_t>(t)];
                   const float lse = row_log_sum_as_threads(cols, m[0].row(t));
                   m[1].data[t] = target < 0 ? 0.0F : lse - m[0].row(t)[target];
                   for (int thread = 0; with_gradient && thread < cuda::kLossThreads; ++thread)
                     cuda::loss_gradient_of_thread(cols, lse, target, kScale, thread, m[0].row(t));
                 }
               }};
  if (with_gradient) c.expected.push_back(gradients);
  return c;
}

OpCase divergence_case(std::int64_t rows, std::int64_t cols) {
  const auto p = normals(static_cast<std::size_t>(rows * cols), 1, 2.0F);
  const auto q = normals(static_cast<std::size_t>(rows * cols), 2, 2.0F);
  Expected out{2, {}, {}};
  for (std::int64_t t = 0; t < rows; ++t) {
    const float* const a = p.data() + t * cols;
    const float* const b = q.data() + t * cols;
    const double p_lse = log_sum_in_double(a, cols);
    const double q_lse = log_sum_in_double(b, cols);
    double sum = 0.0;
    for (std::int64_t c = 0; c < cols; ++c) sum += std::exp(a[c] - p_lse) * (a[c] - p_lse - b[c] + q_lse);
    out.values.push_back(sum);
    // Both log-sums are off by a loss's bound, and every logarithm of a probability with them.
    out.bounds.push_back(4 * loss_bound(cols, 20) * (1 + std::abs(sum)));
  }
  return {.name = fmt::format("kl_divergence {} x {}", rows, cols),
          .operands = {{"p", rows, cols, p},
                       {"q", rows, cols, q},
                       {"out", 1, rows, normals(static_cast<std::size_t>(rows), 9)}},
          .run =
              [=](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                std::vector<float> result(static_cast<std::size_t>(rows));
                kl_divergence(ctx, m[0], m[1], result);
                copy_values(ctx, result, m[2].flat());
              },
          .expected = {out},
          .twin =
              [=](const std::vector<Matrix>& m) {
                for (std::int64_t t = 0; t < rows; ++t) {
                  const float p_lse = row_log_sum_as_threads(cols, m[0].row(t));
                  const float q_lse = row_log_sum_as_threads(cols, m[1].row(t));
                  double sum = 0.0;
                  for (int thread = 0; thread < cuda::kLossThreads; ++thread)
                    sum += cuda::divergence_of_thread(cols, m[0].row(t), p_lse, m[1].row(t), q_lse, thread);
                  m[2].data[t] = static_cast<float>(sum);
                }
              }};
}

OpCase divergence_gradient_case(std::int64_t rows, std::int64_t cols) {
  constexpr float kScale = 0.25F;
  const auto p = normals(static_cast<std::size_t>(rows * cols), 1, 2.0F);
  const auto q = normals(static_cast<std::size_t>(rows * cols), 2, 2.0F);
  const auto targets = some_targets(rows, cols);
  Expected losses{2, {}, {}};
  Expected gradients{1, {}, {}};
  const double bound = loss_bound(cols, 20);
  for (std::int64_t t = 0; t < rows; ++t) {
    const bool counts = targets[static_cast<std::size_t>(t)] >= 0;
    const float* const a = p.data() + t * cols;
    const float* const b = q.data() + t * cols;
    const double p_lse = log_sum_in_double(a, cols);
    const double q_lse = log_sum_in_double(b, cols);
    double sum = 0.0;
    double size = 0.0;  // of what is summed
    for (std::int64_t c = 0; c < cols; ++c) {
      const double in_p = std::exp(a[c] - p_lse);
      const double in_q = std::exp(b[c] - q_lse);
      sum += in_p * (a[c] - p_lse - b[c] + q_lse);
      size += in_p * std::abs(a[c] - p_lse - b[c] + q_lse);
      gradients.values.push_back(counts ? kScale * (in_q - in_p) : 0.0);
      gradients.bounds.push_back(counts ? kScale * (in_q + in_p) * (bound + 4 * kRounding) : 0.0);
    }
    losses.values.push_back(counts ? sum : 0.0);
    losses.bounds.push_back(counts ? 4 * bound * (1 + size) : 0.0);
  }
  return {.name = fmt::format("kl_divergence_backward {} x {}", rows, cols),
          .operands = {{"p", rows, cols, p},
                       {"q", rows, cols, q},
                       {"losses", 1, rows, normals(static_cast<std::size_t>(rows), 9)}},
          .run =
              [=](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                std::vector<float> result(static_cast<std::size_t>(rows));
                kl_divergence_backward(ctx, m[0], m[1], targets, kScale, result);
                copy_values(ctx, result, m[2].flat());
              },
          .expected = {losses, gradients},
          .twin =
              [=](const std::vector<Matrix>& m) {
                for (std::int64_t t = 0; t < rows; ++t) {
                  const float* const a = m[0].row(t);
                  float* const b = m[1].row(t);
                  m[2].data[t] = 0.0F;
                  if (targets[static_cast<std::size_t>(t)] < 0) {
                    std::fill(b, b + cols, 0.0F);
                    continue;
                  }
                  const float p_lse = row_log_sum_as_threads(cols, a);
                  const float q_lse = row_log_sum_as_threads(cols, b);
                  double sum = 0.0;
                  for (int thread = 0; thread < cuda::kLossThreads; ++thread)
                    sum += cuda::divergence_of_thread(cols, a, p_lse, b, q_lse, thread);
                  m[2].data[t] = static_cast<float>(sum);
                  for (int thread = 0; thread < cuda::kLossThreads; ++thread)
                    cuda::divergence_gradient_of_thread(cols, a, p_lse, q_lse, kScale, thread, b);
                }
              }};
}

TEST(LossDevices, DivergenceAndItsGradient) {
  for (const auto& [rows, cols] : op_driver::sizes()) check_op(divergence_gradient_case(rows, cols));
  check_op(divergence_gradient_case(3, 5003));
}

TEST(LossDevices, CrossEntropyAndItsGradient) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    check_op(loss_case(rows, cols, false));
    check_op(loss_case(rows, cols, true));
  }
  check_op(loss_case(3, 5003, true));
}

TEST(LossDevices, Divergence) {
  for (const auto& [rows, cols] : op_driver::sizes()) check_op(divergence_case(rows, cols));
}

TEST(LossDevices, MergingIgnoresThreadsWithoutLogits) {
  const cuda::SoftmaxPart none = {-INFINITY, 0.0F};
  const cuda::SoftmaxPart some = {3.0F, 2.0F};
  EXPECT_EQ(cuda::merge_softmax(none, some).total, 2.0F);
  EXPECT_EQ(cuda::merge_softmax(some, none).peak, 3.0F);
  EXPECT_EQ(cuda::merge_softmax(none, none).total, 0.0F);
}

}  // namespace
}  // namespace lq
