// Scores of predicted classes and numbers against the true ones, equal to scikit-learn's and SciPy's.
#pragma once

#include <cstdint>
#include <span>

namespace lq {

// Each takes as many predictions as true values, at least one; throws Error(kInvalidArgument) otherwise.

// The share of right ones (accuracy_score).
double accuracy(std::span<const std::int64_t> predicted, std::span<const std::int64_t> truth);
// F1 of class 1 (f1_score): 2 tp / (2 tp + fp + fn); 0 where nothing is, or should be, of that class.
double f1_of_ones(std::span<const std::int64_t> predicted, std::span<const std::int64_t> truth);
// Matthews' correlation of any number of classes (matthews_corrcoef); 0 where either side has one class only.
double matthews_correlation(std::span<const std::int64_t> predicted, std::span<const std::int64_t> truth);
// Pearson's r (pearsonr); 0 where either side is constant, which SciPy calls not a number.
double pearson_correlation(std::span<const double> x, std::span<const double> y);
// Pearson's r of ranks, equal numbers sharing the mean of theirs (spearmanr); 0 as above.
double spearman_correlation(std::span<const double> x, std::span<const double> y);

}  // namespace lq
