#include "eval/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/option_error.h"
#include "eval/cutoffs.h"

namespace lq {
namespace {

bool likelier(const Choice& a, const Choice& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

}  // namespace

Sampler::Sampler(const SamplerOptions& o) : options_(o), rng_(o.seed, stream_of("sampler")) {
  // Beyond these bounds logits are infinite or 0.
  check_option(o.temperature == 0.0 || (o.temperature >= 1e-30 && o.temperature <= 1e30), "temperature",
               "is {}, but must be 0 (greedy) or from 1e-30 to 1e30", o.temperature);
  check_option(o.top_k >= 0, "top-k", "is {}, but must be 0 (all) or above", o.top_k);
  check_option(o.top_p > 0.0 && o.top_p <= 1.0, "top-p", "is {}, but must be in (0, 1]", o.top_p);
  check_option(o.min_p >= 0.0 && o.min_p <= 1.0, "min-p", "is {}, but must be in [0, 1]", o.min_p);
  check_option(o.repetition_penalty >= 1e-6 && o.repetition_penalty <= 1e6, "repetition-penalty",
               "is {}, but must be from 1e-6 to 1e6", o.repetition_penalty);
  check_option(o.typical_p > 0.0 && o.typical_p <= 1.0, "typical-p", "is {}, but must be in (0, 1]",
               o.typical_p);
  check_option(o.epsilon_cutoff >= 0.0 && o.epsilon_cutoff < 1.0, "epsilon-cutoff",
               "is {}, but must be in [0, 1)", o.epsilon_cutoff);
  check_option(o.eta_cutoff >= 0.0 && o.eta_cutoff < 1.0, "eta-cutoff", "is {}, but must be in [0, 1)",
               o.eta_cutoff);
  check_option(o.repeat_last >= 0, "repeat-last", "is {}, but must be 0 (all) or above", o.repeat_last);
}

std::int32_t Sampler::pick(std::span<const float> logits, std::span<const std::int32_t> history,
                           const TextBounds& bounds) {
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
  options_.rules.apply(logits_, history, bounds, options_.ends);
  const auto likeliest = std::ranges::max_element(logits_);
  LQ_CHECK(*likeliest > -std::numeric_limits<float>::infinity(), kInvalidArgument,
           "[sampler] no token may come: every logit is -infinity, by the model or by the rules of its "
           "generation_config.json");
  if (options_.temperature == 0.0) return static_cast<std::int32_t>(likeliest - logits_.begin());

  std::vector<Choice> choices;
  choices.reserve(logits_.size());
  for (std::size_t i = 0; i < logits_.size(); ++i) {
    choices.push_back({static_cast<std::int32_t>(i), double{logits_[i]} / options_.temperature});
  }
  if (options_.top_k > 0 && std::cmp_less(options_.top_k, choices.size())) {
    const auto last = choices.begin() + static_cast<std::ptrdiff_t>(options_.top_k) - 1;
    std::ranges::nth_element(choices, last, likelier);
    const double least = last->weight;
    std::erase_if(choices, [least](const Choice& c) { return c.weight < least; });
  }
  std::ranges::sort(choices, likelier);
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
    const bool never = choices[count].weight == 0.0;
    if (count > 0 && (enough || unlikely || never)) break;
    sum += choices[count++].weight;
  }
  choices.resize(count);
  if (options_.typical_p < 1.0) keep_typical(choices, options_.typical_p);
  if (options_.epsilon_cutoff > 0.0) keep_above_epsilon(choices, options_.epsilon_cutoff);
  if (options_.eta_cutoff > 0.0) keep_above_eta(choices, options_.eta_cutoff);
  if (choices.size() < count) {
    sum = 0.0;
    for (const Choice& c : choices) sum += c.weight;
  }
  double left = rng_.uniform(draws_++) * sum;
  for (std::size_t i = 0; i + 1 < choices.size(); ++i) {
    left -= choices[i].weight;
    if (left < 0.0) return choices[i].id;
  }
  return choices.back().id;
}

}  // namespace lq
