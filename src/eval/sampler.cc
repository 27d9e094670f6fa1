#include "eval/sampler.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "base/error.h"
#include "base/option_error.h"

namespace lq {
namespace {

struct Choice {
  std::int32_t id;
  double weight;  // logit, then probability, not normalized
};

bool likelier(const Choice& a, const Choice& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

}  // namespace

Sampler::Sampler(const SamplerOptions& o) : options_(o), rng_(o.seed, stream_of("sampler")) {
  check_option(o.temperature >= 0.0 && std::isfinite(o.temperature), "temperature",
               "is {}, but must be 0 (greedy) or above", o.temperature);
  check_option(o.top_k >= 0, "top-k", "is {}, but must be 0 (all) or above", o.top_k);
  check_option(o.top_p > 0.0 && o.top_p <= 1.0, "top-p", "is {}, but must be in (0, 1]", o.top_p);
  check_option(o.min_p >= 0.0 && o.min_p <= 1.0, "min-p", "is {}, but must be in [0, 1]", o.min_p);
  check_option(o.repetition_penalty > 0.0 && std::isfinite(o.repetition_penalty), "repetition-penalty",
               "is {}, but must be above 0", o.repetition_penalty);
  check_option(o.repeat_last >= 0, "repeat-last", "is {}, but must be 0 (all) or above", o.repeat_last);
}

std::int32_t Sampler::pick(std::span<const float> logits, std::span<const std::int32_t> history) {
  LQ_CHECK(!logits.empty(), kInvalidArgument, "[sampler] there are no logits");
  logits_.assign(logits.begin(), logits.end());
  for (const float l : logits_) {
    LQ_CHECK(!std::isnan(l), kInvalidArgument, "[sampler] the model's logits are not numbers (NaN)");
  }
  if (options_.repetition_penalty != 1.0) {
    const auto back = static_cast<std::size_t>(options_.repeat_last);
    const auto seen = back > 0 && back < history.size() ? history.last(back) : history;
    const auto penalty = static_cast<float>(options_.repetition_penalty);
    for (const std::int32_t id : std::unordered_set<std::int32_t>(seen.begin(), seen.end())) {
      if (id < 0 || static_cast<std::size_t>(id) >= logits_.size()) continue;
      float& l = logits_[static_cast<std::size_t>(id)];
      l = l > 0.0F ? l / penalty : l * penalty;
    }
  }
  if (options_.temperature == 0.0) {
    return static_cast<std::int32_t>(std::ranges::max_element(logits_) - logits_.begin());
  }

  std::vector<Choice> choices;
  choices.reserve(logits_.size());
  for (std::size_t i = 0; i < logits_.size(); ++i) {
    choices.push_back({static_cast<std::int32_t>(i), double{logits_[i]} / options_.temperature});
  }
  const auto keep = options_.top_k > 0 ? std::min(choices.size(), static_cast<std::size_t>(options_.top_k))
                                       : choices.size();
  std::partial_sort(choices.begin(), choices.begin() + static_cast<std::ptrdiff_t>(keep), choices.end(),
                    likelier);
  choices.resize(keep);
  double total = 0.0;
  const double peak = choices.front().weight;
  for (Choice& c : choices)
    total += c.weight = std::isinf(peak) ? c.weight == peak : std::exp(c.weight - peak);
  // The first choice always stays.
  double sum = 0.0;
  std::size_t count = 0;
  while (count < choices.size()) {
    const bool enough = options_.top_p < 1.0 && sum >= options_.top_p * total;
    const bool unlikely = choices[count].weight < options_.min_p * choices.front().weight;
    if (count > 0 && (enough || unlikely)) break;
    sum += choices[count++].weight;
  }
  double left = rng_.uniform(draws_++) * sum;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    left -= choices[i].weight;
    if (left < 0.0) return choices[i].id;
  }
  return choices[count - 1].id;
}

}  // namespace lq
