// The next token from its logits: greedy, or drawn after the usual warpers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "eval/logit_rules.h"

namespace lq {

// Applied in this order, as transformers does: repetition penalty, rules, temperature, top-k, top-p, min-p,
// and the cutoffs.
struct SamplerOptions {
  double temperature = 0.0;  // 0: the most likely token, always
  std::int64_t top_k = 0;    // keep this many, and those as likely as the last; 0: all
  double top_p = 1.0;        // keep the likeliest whose probabilities reach this sum
  double min_p = 0.0;        // keep those at least this times as likely as the likeliest
  double repetition_penalty =
      1.0;  // Keskar et al. 2019: divides positive logits of seen tokens, multiplies negative ones
  std::int64_t repeat_last = 0;  // tokens looked back at for it; 0: all
  std::uint64_t seed = 0;
  // See eval/cutoffs.h.
  double typical_p = 1.0;       // 1: all
  double epsilon_cutoff = 0.0;  // 0: all
  double eta_cutoff = 0.0;      // 0: all
  LogitRules rules = {};
  std::vector<std::int32_t> ends = {};  // tokens that end a text, for the rules
};

// Draw number i depends on (seed, i) and the logits only.
class Sampler {
 public:
  // Throws Error(kInvalidArgument) naming the option and its range.
  explicit Sampler(const SamplerOptions& options);

  // history: tokens so far, prompt included. Ties: the lower id. Throws Error(kInvalidArgument) for logits
  // that are NaN, and where the rules leave no token.
  std::int32_t pick(std::span<const float> logits, std::span<const std::int32_t> history,
                    const TextBounds& bounds = {});

 private:
  SamplerOptions options_;
  Rng rng_;
  std::uint64_t draws_ = 0;
  std::vector<float> logits_;
};

}  // namespace lq
