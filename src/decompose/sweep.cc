#include "decompose/sweep.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "decompose/decompose.h"
#include "decompose/lq_loop.h"
#include "decompose/residual_space.h"
#include "linalg/subspace_tracker.h"

namespace lq {
namespace {

constexpr int kFirstIterations = 40;   // where the factors are sought afresh
constexpr int kCellIterations = 2;     // from a neighbour's
constexpr int kAloneIterations = 100;  // as decompose()

// Steps that had to be shortened at one configuration may be right again at the next.
constexpr double kLeastRelaxation = 0.3;

// What most changes the factors comes first. Wide scales before narrow ones: they disturb least.
auto chain_key(const CodebookConfig& c) {
  return std::tuple(-c.bits, c.block, -c.scale_bits, c.block2, -static_cast<int>(c.scale2));
}

// What the ratio of errors between two ranks depends on.
using AnchorKey = std::tuple<int, int, int, int>;
AnchorKey anchor_key(const CodebookConfig& c) {
  return {c.bits, c.block, c.scale_bits, c.scale_bits <= 3 ? c.block2 : 0};
}

// Fine codes under coarse scales: what is lost is lost by clamping, each way to a decomposition ends
// elsewhere, and only decompose()'s own gives its error.
bool stands_alone(const CodebookConfig& c) { return c.bits == 8 && c.scale_bits <= 4; }

// Whether the factors must be sought afresh. The alternation is sticky: factors that have settled beside one
// block size or scale width end 5 to 20 % too high beside another. How many blocks share a second-level scale
// matters as much where scales are coarse against the codes; otherwise the second level changes little.
bool begins_group(const CodebookConfig* last, const CodebookConfig& c) {
  if (last == nullptr || last->bits != c.bits || last->block != c.block || last->scale_bits != c.scale_bits) {
    return true;
  }
  return stands_alone(c) || ((c.bits == 8 || c.scale_bits <= 3) && last->block2 != c.block2);
}

// decompose()'s squared error.
double full_error(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                  const CodebookConfig& config, std::int64_t rank, const SweepOptions& options) {
  const Decomposition d = decompose(context, w, rows, cols, CodebookQuantizer(config, options.quantizer),
                                    {.rank = rank,
                                     .tolerance = options.tolerance,
                                     .relaxation = options.relaxation,
                                     .oversampling = options.oversampling,
                                     .stream = options.stream,
                                     .importance = options.importance});
  return d.relative_weighted_error * d.relative_weighted_error * d.squared_weighted_norm;
}

// Among which configurations what factors bring is interpolated.
using InterpolationKey = std::tuple<int, int, bool>;
InterpolationKey interpolation_key(const CodebookConfig& c) { return {c.bits, c.block, stands_alone(c)}; }

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
                                        std::int64_t cols, const std::vector<CodebookConfig>& configs,
                                        SweepOptions options) {
  options.interpolate = false;
  SweepOptions alone = options;
  alone.rank = 0;
  std::vector<double> errors = sweep_errors(context, w, rows, cols, configs, alone);
  std::map<InterpolationKey, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < configs.size(); ++i) groups[interpolation_key(configs[i])].push_back(i);
  std::vector<CodebookConfig> anchors;
  std::vector<std::size_t> anchor_at;
  for (auto& [key, group] : groups) {
    std::sort(group.begin(), group.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(errors[a], chain_key(configs[a])) < std::pair(errors[b], chain_key(configs[b]));
    });
    std::size_t last = configs.size();
    for (const std::size_t i : {group.front(), group[group.size() / 2], group.back()}) {
      if (i == last) continue;
      last = i;
      anchor_at.push_back(i);
      anchors.push_back(configs[i]);
    }
  }
  const std::vector<double> with_factors = sweep_errors(context, w, rows, cols, anchors, options);
  // The logarithm of quantization's error, and what factors leave of it.
  std::map<InterpolationKey, std::vector<std::pair<double, double>>> points;
  for (std::size_t k = 0; k < anchors.size(); ++k) {
    const double of = errors[anchor_at[k]];
    const double left = of > 0.0 ? with_factors[k] / of : 1.0;
    points[interpolation_key(anchors[k])].emplace_back(std::log(of), left);
  }
  for (auto& [key, some] : points) std::sort(some.begin(), some.end());
  for (std::size_t i = 0; i < configs.size(); ++i) {
    if (errors[i] > 0.0) errors[i] *= between(points[interpolation_key(configs[i])], std::log(errors[i]));
  }
  for (std::size_t k = 0; k < anchors.size(); ++k) errors[anchor_at[k]] = with_factors[k];
  return errors;
}

}  // namespace

std::vector<double> sweep_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                 const std::vector<CodebookConfig>& configs, const SweepOptions& options) {
  LQ_CHECK(options.rank >= 0 && options.rank <= std::min(rows, cols), kInvalidArgument,
           "rank {} is impossible for a {} x {} matrix, which allows 0 to {}", options.rank, rows, cols,
           std::min(rows, cols));
  if (configs.empty()) return {};
  if (options.interpolate && options.rank > 0)
    return interpolated_errors(context, w, rows, cols, configs, options);
  std::vector<std::size_t> order(configs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(chain_key(configs[a]), a) < std::pair(chain_key(configs[b]), b);
  });

  const Importance plain;
  const Importance& importance = options.importance == nullptr ? plain : *options.importance;
  const CodebookQuantizer first(configs[order[0]], options.quantizer);
  ResidualSpace space(context, w, rows, cols, first, importance);
  std::vector<double> errors(configs.size());
  if (options.rank == 0) {
    for (const std::size_t i : order) {
      context.stop.check();
      const CodebookQuantizer quantizer(configs[i], options.quantizer);
      space.set_quantizer(quantizer);
      space.quantize({});
      errors[i] = space.weighted();
    }
    return errors;
  }

  std::optional<SubspaceTracker> tracker;
  LqLoopOptions loop{.rank = options.rank, .tolerance = options.tolerance, .relaxation = options.relaxation};
  const CodebookConfig* last = nullptr;
  Iterate at;
  for (const std::size_t i : order) {
    const CodebookConfig& config = configs[i];
    const CodebookQuantizer quantizer(config, options.quantizer);
    space.set_quantizer(quantizer);
    const bool afresh = begins_group(last, config);
    loop.max_iterations = stands_alone(config) ? kAloneIterations
                          : afresh             ? kFirstIterations
                                               : kCellIterations;
    if (afresh) {
      space.start();
      tracker.emplace(context.pool, rows, cols, options.rank, options.oversampling, context.seed,
                      options.stream);
    }
    loop.start = afresh ? nullptr : &at;
    loop.relaxation = afresh ? options.relaxation : std::max(loop.relaxation, kLeastRelaxation);
    LqLoopResult result = lq_loop(context, rows, cols, space, *tracker, loop);
    errors[i] = result.squared_error;
    at = std::move(result.next);
    loop.relaxation = result.relaxation;
    last = &config;
  }
  return errors;
}

std::vector<double> sweep_rank_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                      const std::vector<CodebookConfig>& configs,
                                      const std::vector<std::int64_t>& ranks, const SweepOptions& options) {
  LQ_CHECK(!ranks.empty(), kInvalidArgument, "no ranks to sweep");
  SweepOptions at = options;
  if (options.interpolate) {
    std::vector<double> out;
    for (const std::int64_t rank : ranks) {
      at.rank = rank;
      const std::vector<double> errors = sweep_errors(context, w, rows, cols, configs, at);
      out.insert(out.end(), errors.begin(), errors.end());
    }
    return out;
  }
  at.rank = *std::max_element(ranks.begin(), ranks.end());
  const std::vector<double> base = sweep_errors(context, w, rows, cols, configs, at);
  // One configuration for each (b, B0, b0), and for each B1 where scales are coarse.
  std::map<AnchorKey, std::size_t> anchors;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const auto [found, added] = anchors.try_emplace(anchor_key(configs[i]), i);
    if (!added && chain_key(configs[i]) < chain_key(configs[found->second])) found->second = i;
  }
  std::vector<double> out;
  out.reserve(ranks.size() * configs.size());
  for (const std::int64_t rank : ranks) {
    if (rank == at.rank) {
      out.insert(out.end(), base.begin(), base.end());
    } else if (rank == 0) {
      SweepOptions alone = options;
      alone.rank = 0;
      const std::vector<double> errors = sweep_errors(context, w, rows, cols, configs, alone);
      out.insert(out.end(), errors.begin(), errors.end());
    } else {
      std::map<AnchorKey, double> anchor_errors;
      for (const auto& [key, i] : anchors) {
        anchor_errors[key] = full_error(context, w, rows, cols, configs[i], rank, options);
      }
      for (std::size_t i = 0; i < configs.size(); ++i) {
        const AnchorKey key = anchor_key(configs[i]);
        const double of = base[anchors[key]];
        out.push_back(of > 0.0 ? base[i] * anchor_errors[key] / of : anchor_errors[key]);
      }
    }
  }
  return out;
}

SweepDeviation sweep_deviation(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                               const std::vector<CodebookConfig>& configs, const std::vector<double>& errors,
                               std::size_t sample, const SweepOptions& options) {
  LQ_CHECK(sample >= 1 && errors.size() == configs.size() && !configs.empty(), kInvalidArgument,
           "{} errors of {} configurations, {} to be compared", errors.size(), configs.size(), sample);
  sample = std::min(sample, configs.size());
  SweepDeviation worst{configs[0], 0.0};
  for (std::size_t k = 0; k < sample; ++k) {
    const std::size_t i = (2 * k + 1) * configs.size() / (2 * sample);
    const double full = full_error(context, w, rows, cols, configs[i], options.rank, options);
    if (full <= 0.0) continue;
    const double deviation = errors[i] / full - 1.0;
    if (std::abs(deviation) >= std::abs(worst.deviation)) worst = {configs[i], deviation};
  }
  return worst;
}

}  // namespace lq
