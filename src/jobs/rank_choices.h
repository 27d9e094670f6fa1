// Ranks as part of the allocation (docs/method.md, "Which bits for which matrix"): which ones there are to
// choose among, and what a number of L1 or L2 costs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/checkpoint_reader.h"
#include "tensor/dtype.h"

namespace lq {

// What `rank` says: one rank for all matrices, or ranks to choose among for each.
struct RankChoices {
  std::int64_t rank = 0;            // of all matrices, unless chosen()
  bool automatic = false;           // auto
  std::vector<std::int64_t> ranks;  // rising; a list: these and no others
  bool chosen() const { return automatic || !ranks.empty(); }
};

// "64", "auto" or "0,8,16". Throws Error(kInvalidArgument) of `rank`.
RankChoices parse_rank_choices(std::string_view text);

// The ranks to sweep, rising. auto: 0, 1, 4, 16, 64, as far as the smallest matrix allows (on quill, 0.6 % or
// less above the objective of 0, 1, 2, 4, 8, 16, for two thirds of the sweep). Throws
// Error(kInvalidArgument) naming the matrix that a rank of the list is too large for. REQUIRES:
// choices.chosen().
std::vector<std::int64_t> ranks_to_sweep(const RankChoices& choices,
                                         const std::vector<const TensorView*>& selected);

// Bits of one number of L1 or L2 in the adapter's file. REQUIRES: kF32 or kBf16.
int factor_bits_of(DType factors);

// Bits of one number of L1 or L2 while it is fine-tuned: the f32 parameter, its gradient and AdamW's two
// moments.
constexpr int kFinetuneFactorBits = 128;

}  // namespace lq
