#include "jobs/quantize_need.h"

#include <algorithm>

#include "base/process.h"
#include "jobs/quantize_matrix.h"

namespace lq {
namespace {

// f32 arrays of the matrix's size that are alive at once: the matrix, its residual, and the decomposition's
// workspace.
constexpr std::int64_t kArraysPerMatrix = 4;

// Second moments of the largest matrix and their factors.
std::int64_t importance_bytes(const QuantizeOptions& options,
                              const std::vector<const TensorView*>& selected) {
  constexpr std::int64_t kCopies = 2;
  std::int64_t most = 0;
  for (const TensorView* view : selected) {
    const std::int64_t rows = view->shape()[0];
    const std::int64_t cols = view->shape()[1];
    const std::int64_t input = cols * cols;
    const std::int64_t output = options.importance == ImportanceKind::kKfac ? rows * rows : 0;
    most = std::max(most, input + output);
  }
  return options.importance < ImportanceKind::kInput ? 0 : 4 * kCopies * most;
}

}  // namespace

std::int64_t bytes_of_one(const QuantizeOptions& options, const std::vector<const TensorView*>& matrices) {
  std::int64_t most = 0;
  for (const TensorView* view : matrices) most = std::max(most, view->numel());
  return 4 * kArraysPerMatrix * most + importance_bytes(options, matrices);
}

int matrices_at_once(int threads, std::int64_t bytes_of_each) {
  const std::int64_t free = available_memory_bytes();
  if (free == 0 || bytes_of_each == 0) return 1;
  return static_cast<int>(std::clamp<std::int64_t>(free / 3 / bytes_of_each, 1, std::max(threads, 1)));
}

QuantizeNeed quantize_need(const QuantizeOptions& options, int threads) {
  return quantize_need(*Checkpoint::open(options.model), options, threads);
}

QuantizeNeed quantize_need(const Checkpoint& model, const QuantizeOptions& options, int threads) {
  const CheckpointReader& reader = model.reader();
  const auto selected = select_matrices(reader, of_model(options.selection, model));
  QuantizeNeed need;
  std::int64_t largest_small = 0;
  std::int64_t packed_bytes = 0;
  std::int64_t dense_bytes = static_cast<std::int64_t>(reader.total_bytes());
  for (const TensorView* view : selected) {
    const std::int64_t n = view->numel();
    ++need.matrices;
    need.weights += n;
    if (n <= kSmallMatrix) largest_small = std::max(largest_small, n);
    const double bits = options.budget.bits > 0.0 ? options.budget.bits
                                                  : choice_bits_per_weight(choice_for(options, view->name()));
    packed_bytes += static_cast<std::int64_t>(bits * static_cast<double>(n) / 8.0) +
                    factor_bits_of(options.decompose.factors) / 8 * rank_for(options, view->name()) *
                        (view->shape()[0] + view->shape()[1]);
    dense_bytes -= static_cast<std::int64_t>(view->bytes);
  }
  need.output_bytes = dense_bytes + packed_bytes;
  need.disk_bytes = need.output_bytes + packed_bytes;
  std::vector<const TensorView*> large;
  std::copy_if(selected.begin(), selected.end(), std::back_inserter(large),
               [](const TensorView* v) { return v->numel() > kSmallMatrix; });
  const std::int64_t one = bytes_of_one(options, large);
  need.memory_bytes = (64 << 20) + std::max(one * matrices_at_once(threads, one),
                                            4 * kArraysPerMatrix * largest_small * threads +
                                                importance_bytes(options, selected));
  return need;
}

}  // namespace lq
