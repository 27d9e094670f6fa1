#include "eval/cutoffs.h"

#include <algorithm>
#include <cmath>

namespace lq {
namespace {

double total_of(const std::vector<Choice>& choices) {
  double total = 0.0;
  for (const Choice& c : choices) total += c.weight;
  return total;
}

// Nats.
double entropy_of(const std::vector<Choice>& choices, double total) {
  double entropy = 0.0;
  for (const Choice& c : choices) {
    if (c.weight > 0.0) entropy -= c.weight / total * std::log(c.weight / total);
  }
  return entropy;
}

}  // namespace

void keep_typical(std::vector<Choice>& choices, double mass) {
  const double total = total_of(choices);
  const double entropy = entropy_of(choices, total);
  // How far its surprise is from the entropy; infinitely for what cannot come.
  const auto distance = [&](const Choice& c) { return std::abs(-std::log(c.weight / total) - entropy); };
  std::vector<Choice> nearest = choices;
  std::ranges::stable_sort(nearest, {}, distance);
  double farthest = distance(nearest.back());
  double sum = 0.0;
  for (const Choice& c : nearest) {
    sum += c.weight / total;
    if (sum >= mass) {
      farthest = distance(c);
      break;
    }
  }
  std::erase_if(choices, [&](const Choice& c) { return distance(c) > farthest; });
}

void keep_above_epsilon(std::vector<Choice>& choices, double epsilon) {
  const double total = total_of(choices);
  const double most = choices.front().weight;
  std::erase_if(choices, [&](const Choice& c) { return c.weight / total < epsilon && c.weight < most; });
}

void keep_above_eta(std::vector<Choice>& choices, double eta) {
  const double entropy = entropy_of(choices, total_of(choices));
  keep_above_epsilon(choices, std::min(eta, std::sqrt(eta) * std::exp(-entropy)));
}

}  // namespace lq
