// Tokens hidden for a masked language model to find again (Devlin et al. 2019).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lq {

struct MaskOptions {
  double share = 0.15;  // of the tokens that may be chosen
  // Of the chosen ones these shares become the mask and a token drawn evenly; the rest stay as they are.
  double masked = 0.8;
  double drawn = 0.1;
  std::int32_t mask = 0;   // the token that hides
  std::int32_t vocab = 0;  // tokens are drawn from [0, vocab)
  std::uint64_t seed = 0;
};

struct MaskedTokens {
  std::vector<std::int32_t> ids;      // what the model reads
  std::vector<std::int32_t> targets;  // what it shall say; kNoTarget where nothing was chosen
  std::int64_t chosen = 0;
};

// may[t]: whether token t may be chosen (no special token). A pure function of its arguments, token by token:
// the choice at t depends on the seed and on t alone. REQUIRES: as many ids as may; 0 <= share <= 1; masked +
// drawn <= 1; vocab > 0.
MaskedTokens mask_tokens(std::span<const std::int32_t> ids, std::span<const std::uint8_t> may,
                         const MaskOptions& options);

}  // namespace lq
