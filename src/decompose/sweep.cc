#include "decompose/sweep.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "decompose/lq_loop.h"
#include "decompose/residual_space.h"
#include "linalg/subspace_tracker.h"

namespace lq {
namespace {

constexpr int kFirstIterations = 40;  // where the factors are sought afresh
constexpr int kCellIterations = 2;    // from a neighbour's

// Steps that had to be shortened at one configuration may be right again at the next.
constexpr double kLeastRelaxation = 0.3;

// What most changes the factors comes first. Wide scales before narrow ones: they disturb least.
auto chain_key(const NfConfig& c) {
  return std::tuple(-c.bits, c.block, -c.scale_bits, c.block2, -static_cast<int>(c.scale2));
}

// Whether the factors must be sought afresh. The alternation is sticky: factors that have settled beside one
// block size or scale width end 5 to 20 % too high beside another. How many blocks share a second-level scale
// matters as much where scales are coarse against the codes; otherwise the second level changes little.
bool begins_group(const NfConfig* last, const NfConfig& c) {
  if (last == nullptr || last->bits != c.bits || last->block != c.block || last->scale_bits != c.scale_bits) {
    return true;
  }
  return (c.bits == 8 || c.scale_bits <= 3) && last->block2 != c.block2;
}

}  // namespace

std::vector<double> sweep_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                 const std::vector<NfConfig>& configs, const SweepOptions& options) {
  LQ_CHECK(options.rank >= 0 && options.rank <= std::min(rows, cols), kInvalidArgument,
           "rank {} is impossible for a {} x {} matrix, which allows 0 to {}", options.rank, rows, cols,
           std::min(rows, cols));
  if (configs.empty()) return {};
  std::vector<std::size_t> order(configs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(chain_key(configs[a]), a) < std::pair(chain_key(configs[b]), b);
  });

  const Weighting plain;
  const Weighting& weighting = options.weighting == nullptr ? plain : *options.weighting;
  const NfQuantizer first(configs[order[0]], options.quantizer);
  ResidualSpace space(context, w, rows, cols, first, weighting);
  std::vector<double> errors(configs.size());
  if (options.rank == 0) {
    for (const std::size_t i : order) {
      context.stop.check();
      const NfQuantizer quantizer(configs[i], options.quantizer);
      space.set_quantizer(quantizer);
      space.quantize({});
      errors[i] = space.weighted();
    }
    return errors;
  }

  SubspaceTracker tracker(context.pool, rows, cols, options.rank, options.oversampling, context.seed,
                          options.stream);
  LqLoopOptions loop{.rank = options.rank, .tolerance = options.tolerance, .relaxation = options.relaxation};
  const NfConfig* last = nullptr;
  Iterate at;
  for (const std::size_t i : order) {
    const NfConfig& config = configs[i];
    const NfQuantizer quantizer(config, options.quantizer);
    space.set_quantizer(quantizer);
    const bool afresh = begins_group(last, config);
    loop.max_iterations = afresh ? kFirstIterations : kCellIterations;
    if (afresh) space.start();
    loop.start = afresh ? nullptr : &at;
    loop.relaxation = afresh ? options.relaxation : std::max(loop.relaxation, kLeastRelaxation);
    LqLoopResult result = lq_loop(context, rows, cols, space, tracker, loop);
    errors[i] = result.squared_error;
    at = std::move(result.next);
    loop.relaxation = result.relaxation;
    last = &config;
  }
  return errors;
}

}  // namespace lq
