// Error feedback: codes are chosen one after another, and each takes on what the errors before it leave of
// ||T^T E S||, E = W - Q. With T absent this is GPTQ (Frantar et al., arXiv 2210.17323, algorithm 1) in the
// form of LDLQ (Chee et al., arXiv 2307.13304, section 3): column j is rounded towards
//   W_j + sum over columns l done before of E_l S_lj / S_jj.
// With T the same holds for the rows above: row i of W is first moved by sum over rows k done before of
// T_ki / T_ii E_k, and what is passed on along it is F = E plus that move, since (T^T E)_i = T_ii F_i.
#pragma once

#include <cstdint>

#include "base/parallel.h"
#include "quant/codebook/codebook.h"

namespace lq {

// Columns whose codes are chosen between two products with S; a group of GPTQ's.
inline constexpr std::int64_t kFeedbackTile = 128;

struct FeedbackProblem {
  const float* w = nullptr;  // [rows, cols], finite
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  const float* row_factor = nullptr;  // T: [rows, rows] lower triangular, positive diagonal; null: I
  const float* col_factor = nullptr;  // S: [cols, cols], likewise
  // False: columns from the last to the first, the natural way for a lower S. True: from the first to the
  // last, as the GPTQ paper does; col_factor is then the factor of R with rows and columns in reverse order.
  bool first_to_last = false;
  const Codebook* book = nullptr;
  int block = 64;                 // elements of the flattened matrix that share a scale
  const float* scales = nullptr;  // [blocks], finite, not negative
};

// What is wanted of it, [rows, cols] each; any may be null.
struct FeedbackOutputs {
  float* q = nullptr;             // the values; may be w itself
  std::uint8_t* codes = nullptr;  // their codes
  float* targets = nullptr;       // what they were rounded from
};

// Always finite. The same bits on any number of threads. Memory: 64 rows a thread; with row_factor two arrays
// of w's size.
void feedback_quantize(ThreadPool& pool, const FeedbackProblem& problem, const FeedbackOutputs& out);

}  // namespace lq
