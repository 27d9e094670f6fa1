#include "decompose/sweep.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "decompose/alternation.h"
#include "decompose/decompose.h"
#include "decompose/lq_loop.h"

namespace lq {
namespace {

constexpr int kFirstIterations = 40;   // where the factors are sought afresh
constexpr int kCellIterations = 2;     // from a neighbour's
constexpr int kAloneIterations = 100;  // as decompose()

// Steps that had to be shortened at one configuration may be right again at the next.
constexpr double kLeastRelaxation = 0.3;

using Key = std::vector<int>;

// The places of `choices`, each format's apart from the others'.
std::vector<SweepPlace> places_of(const std::vector<QuantChoice>& choices) {
  std::vector<SweepPlace> places;
  const auto formats = quant_formats();
  for (const QuantChoice& choice : choices) {
    const QuantFormat& format = quant_format(choice.format, "sweep");
    SweepPlace place = format.sweep_place(choice.parameters);
    const auto at = static_cast<int>(std::find(formats.begin(), formats.end(), &format) - formats.begin());
    for (Key* key : {&place.order, &place.group, &place.anchor, &place.curve, &place.grid})
      key->insert(key->begin(), at);
    places.push_back(std::move(place));
  }
  return places;
}

// Whether the factors must be sought afresh.
bool begins_group(const SweepPlace* last, const SweepPlace& place) {
  return last == nullptr || place.alone || last->group != place.group;
}

// Choices whose encoding is slow: each has decompose()'s own error.
bool is_slow(const QuantChoice& choice, QuantizerOptions options) {
  options.feedback = Feedback::kOff;
  return make_quantizer(choice, options)->draft() != nullptr;
}

// decompose()'s squared error.
double full_error(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                  const QuantChoice& choice, std::int64_t rank, const SweepOptions& options) {
  const Decomposition d = decompose(context, w, rows, cols, *make_quantizer(choice, options.quantizer),
                                    {.rank = rank,
                                     .tolerance = options.tolerance,
                                     .relaxation = options.relaxation,
                                     .oversampling = options.oversampling,
                                     .stream = options.stream,
                                     .importance = options.importance,
                                     .errors_only = true});
  return d.relative_weighted_error * d.relative_weighted_error * d.squared_weighted_norm;
}

// At `x`, between the two of `points` (x rising) that are nearest on both sides; beyond the ends, the end's.
double between(const std::vector<std::pair<double, double>>& points, double x) {
  const auto above = std::lower_bound(points.begin(), points.end(), std::pair(x, -HUGE_VAL));
  if (above == points.begin()) return above->second;
  if (above == points.end()) return points.back().second;
  const auto& [x0, y0] = above[-1];
  const auto& [x1, y1] = *above;
  return x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y0;
}

// See SweepOptions::interpolate.
std::vector<double> interpolated_errors(Context& context, const float* w, std::int64_t rows,
                                        std::int64_t cols, const std::vector<QuantChoice>& choices,
                                        SweepOptions options) {
  options.interpolate = false;
  SweepOptions alone = options;
  alone.rank = 0;
  std::vector<double> errors = sweep_errors(context, w, rows, cols, choices, alone);
  const std::vector<SweepPlace> places = places_of(choices);
  std::map<Key, std::vector<std::size_t>> curves;
  for (std::size_t i = 0; i < choices.size(); ++i) curves[places[i].curve].push_back(i);
  std::vector<QuantChoice> anchors;
  std::vector<std::size_t> anchor_at;
  for (auto& [key, curve] : curves) {
    std::sort(curve.begin(), curve.end(), [&](std::size_t a, std::size_t b) {
      return std::tie(errors[a], places[a].order) < std::tie(errors[b], places[b].order);
    });
    std::size_t last = choices.size();
    for (const std::size_t i : {curve.front(), curve[curve.size() / 2], curve.back()}) {
      if (i == last) continue;
      last = i;
      anchor_at.push_back(i);
      anchors.push_back(choices[i]);
    }
  }
  const std::vector<double> with_factors = sweep_errors(context, w, rows, cols, anchors, options);
  // The logarithm of quantization's error, and what factors leave of it.
  std::map<Key, std::vector<std::pair<double, double>>> points;
  for (std::size_t k = 0; k < anchors.size(); ++k) {
    const double of = errors[anchor_at[k]];
    const double left = of > 0.0 ? with_factors[k] / of : 1.0;
    points[places[anchor_at[k]].curve].emplace_back(std::log(of), left);
  }
  for (auto& [key, some] : points) std::sort(some.begin(), some.end());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (errors[i] > 0.0) errors[i] *= between(points[places[i].curve], std::log(errors[i]));
  }
  for (std::size_t k = 0; k < anchors.size(); ++k) errors[anchor_at[k]] = with_factors[k];
  return errors;
}

// Above this width feedback takes off what it does at this one.
constexpr int kWidestFeedback = 4;

// Brings the errors of formats that feed back, estimated without, to what feedback leaves of them.
void feed_back(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
               const std::vector<QuantChoice>& choices, const SweepOptions& options,
               std::vector<double>& errors) {
  std::map<std::pair<std::string, int>, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const QuantFormat& format = quant_format(choices[i].format, "sweep");
    if (!format.feeds_back()) continue;
    const int width = format.sweep_place(choices[i].parameters).width;
    alike[{choices[i].format, width}].push_back(i);
  }
  std::map<std::string, double> widest;  // the share that the widest width so far has left
  for (auto& [key, some] : alike) {
    const auto& [format, width] = key;
    auto share = widest.find(format);
    if (width <= kWidestFeedback || share == widest.end()) {
      std::sort(some.begin(), some.end(), [&](std::size_t a, std::size_t b) {
        const double of_a = choice_bits_per_weight(choices[a]);
        const double of_b = choice_bits_per_weight(choices[b]);
        return std::tie(of_a, choices[a].parameters) < std::tie(of_b, choices[b].parameters);
      });
      const std::size_t anchor = some[some.size() / 2];
      const double fed = full_error(context, w, rows, cols, choices[anchor], options.rank, options);
      share = widest.insert_or_assign(format, errors[anchor] > 0.0 ? fed / errors[anchor] : 1.0).first;
    }
    for (const std::size_t i : some) errors[i] *= share->second;
  }
}

// sweep_errors() for choices that are not slow, without feedback.
std::vector<double> quick_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                 const std::vector<QuantChoice>& choices, const SweepOptions& options) {
  std::vector<std::size_t> order(choices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::vector<SweepPlace> places = places_of(choices);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(places[a].order, a) < std::tie(places[b].order, b);
  });

  const Importance plain;
  const Importance& importance = options.importance == nullptr ? plain : *options.importance;
  std::unique_ptr<Quantizer> quantizer = make_quantizer(choices[order[0]], options.quantizer);
  const std::unique_ptr<Alternation> a = make_alternation(context, w, rows, cols, *quantizer, importance);
  std::vector<double> errors(choices.size());
  if (options.rank == 0) {
    for (const std::size_t i : order) {
      context.stop.check();
      quantizer = make_quantizer(choices[i], options.quantizer);
      a->set_quantizer(*quantizer);
      a->quantize({});
      errors[i] = a->weighted();
    }
    return errors;
  }

  LqLoopOptions loop{.tolerance = options.tolerance, .relaxation = options.relaxation};
  const SweepPlace* last = nullptr;
  Factors at;
  bool on_grid = false;
  for (const std::size_t i : order) {
    const SweepPlace& place = places[i];
    quantizer = make_quantizer(choices[i], options.quantizer);
    a->set_quantizer(*quantizer);
    const bool afresh = begins_group(last, place);
    loop.max_iterations = place.alone ? kAloneIterations : afresh ? kFirstIterations : kCellIterations;
    if (afresh) {
      a->start();
      a->seek(options.rank, options.oversampling, options.stream);
    }
    loop.start = afresh ? nullptr : &at;
    loop.relaxation = afresh ? options.relaxation : std::max(loop.relaxation, kLeastRelaxation);
    LqLoopResult result = lq_loop(context.stop, *a, loop);
    errors[i] = result.squared_error;
    if (tries_whole(loop) && (on_grid || last == nullptr || last->grid != place.grid)) {
      a->quantize({});
      on_grid = a->weighted() < errors[i];
      errors[i] = std::min(errors[i], a->weighted());
    }
    at = std::move(result.next);
    loop.relaxation = result.relaxation;
    last = &place;
  }
  return errors;
}

}  // namespace

std::vector<double> sweep_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                 const std::vector<QuantChoice>& choices, const SweepOptions& options) {
  LQ_CHECK(options.rank >= 0 && options.rank <= std::min(rows, cols), kInvalidArgument,
           "rank {} is impossible for a {} x {} matrix, which allows 0 to {}", options.rank, rows, cols,
           std::min(rows, cols));
  if (choices.empty()) return {};
  if (options.interpolate && options.rank > 0)
    return interpolated_errors(context, w, rows, cols, choices, options);
  std::vector<QuantChoice> quick;
  std::vector<std::size_t> quick_at;
  std::vector<double> errors(choices.size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (is_slow(choices[i], options.quantizer)) {
      errors[i] = full_error(context, w, rows, cols, choices[i], options.rank, options);
    } else {
      quick.push_back(choices[i]);
      quick_at.push_back(i);
    }
  }
  if (quick.empty()) return errors;
  SweepOptions plain = options;
  plain.quantizer.feedback = Feedback::kOff;
  std::vector<double> some = quick_errors(context, w, rows, cols, quick, plain);
  if (options.quantizer.feedback == Feedback::kOn) feed_back(context, w, rows, cols, quick, options, some);
  for (std::size_t k = 0; k < quick.size(); ++k) errors[quick_at[k]] = some[k];
  return errors;
}

std::vector<double> sweep_rank_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                      const std::vector<QuantChoice>& choices,
                                      const std::vector<std::int64_t>& ranks, const SweepOptions& options) {
  LQ_CHECK(!ranks.empty(), kInvalidArgument, "no ranks to sweep");
  SweepOptions at = options;
  if (options.interpolate) {
    std::vector<double> out;
    for (const std::int64_t rank : ranks) {
      at.rank = rank;
      const std::vector<double> errors = sweep_errors(context, w, rows, cols, choices, at);
      out.insert(out.end(), errors.begin(), errors.end());
    }
    return out;
  }
  at.rank = *std::max_element(ranks.begin(), ranks.end());
  const std::vector<double> base = sweep_errors(context, w, rows, cols, choices, at);
  const std::vector<SweepPlace> places = places_of(choices);
  std::map<Key, std::size_t> anchors;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto [found, added] = anchors.try_emplace(places[i].anchor, i);
    if (!added && places[i].order < places[found->second].order) found->second = i;
  }
  std::vector<double> out;
  out.reserve(ranks.size() * choices.size());
  for (const std::int64_t rank : ranks) {
    if (rank == at.rank) {
      out.insert(out.end(), base.begin(), base.end());
    } else if (rank == 0) {
      SweepOptions alone = options;
      alone.rank = 0;
      const std::vector<double> errors = sweep_errors(context, w, rows, cols, choices, alone);
      out.insert(out.end(), errors.begin(), errors.end());
    } else {
      std::map<Key, double> anchor_errors;
      for (const auto& [key, i] : anchors) {
        anchor_errors[key] = full_error(context, w, rows, cols, choices[i], rank, options);
      }
      for (std::size_t i = 0; i < choices.size(); ++i) {
        const Key& key = places[i].anchor;
        const double of = base[anchors[key]];
        out.push_back(of > 0.0 ? base[i] * anchor_errors[key] / of : anchor_errors[key]);
      }
    }
  }
  return out;
}

}  // namespace lq
