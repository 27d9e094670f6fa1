// Cutoffs that look at a whole distribution before a token is drawn from it: as transformers' logits
// processors of these names.
#pragma once

#include <cstdint>
#include <vector>

namespace lq {

struct Choice {
  std::int32_t id;
  double weight;  // logit, then probability, not normalized
};

// Each takes choices from the likeliest to the least likely, and leaves those that stay in that order: at
// least one.

// Locally typical sampling (Meister et al. 2022): those whose surprise is nearest to the entropy, until their
// probabilities reach `mass`, in (0, 1); all that are as near as the last of these stay.
void keep_typical(std::vector<Choice>& choices, double mass);
// Epsilon sampling (Hewitt et al. 2022): those of at least this probability, in (0, 1), and the likeliest.
void keep_above_epsilon(std::vector<Choice>& choices, double epsilon);
// Eta sampling (same paper): as epsilon, of min(eta, sqrt(eta) exp(-entropy)).
void keep_above_eta(std::vector<Choice>& choices, double eta);

}  // namespace lq
