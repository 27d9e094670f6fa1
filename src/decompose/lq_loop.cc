#include "decompose/lq_loop.h"

#include <cmath>
#include <utility>

namespace lq {
namespace {

// Passes over the first residual: one, and two power iterations. Later residuals start from the last
// subspace.
constexpr int kFirstPasses = 3;
// Iterations over which progress is judged, and rises in a row that end the loop.
constexpr std::size_t kWindow = 3;
constexpr int kPatience = 4;
// Below this share of the residual, what factors leave of it is summed entry by entry: the difference of the
// norms is good to some 1e-7 of them only.
constexpr double kCancellation = 1e-3;
// Where the error rises, the step beyond the SVD is cut by this.
constexpr double kShorten = 0.5;

// Whether the last kWindow iterations together brought less than `tolerance` each.
bool has_stalled(const std::vector<double>& trace, double tolerance) {
  if (tolerance <= 0.0 || trace.size() <= kWindow) return false;
  const double before = trace[trace.size() - 1 - kWindow];
  return before - trace.back() < static_cast<double>(kWindow) * tolerance * before;
}

}  // namespace

LqLoopResult lq_loop(const StopToken& stop, Alternation& a, const LqLoopOptions& o) {
  LqLoopResult result;
  result.relaxation = o.relaxation;
  Factors x;
  Factors best_x;
  bool last_is_best = true;
  int rises = 0;
  bool fresh = o.start == nullptr;  // the directions are random yet
  const auto track = [&] {
    a.track(fresh ? kFirstPasses : 1);
    fresh = false;
  };
  if (o.start != nullptr) {
    x = std::move(*o.start);
  } else if (o.start_from_svd) {
    track();
    x = a.advance({}, 0.0);
  }
  const double scale = a.weighted_w() > 0.0 ? 1.0 / a.weighted_w() : 0.0;
  for (int iteration = 1; iteration <= o.max_iterations; ++iteration) {
    stop.check();
    Factors target = x.rank == 0 ? Factors{} : a.to_plain(x);
    a.quantize(target);
    track();
    double squared = a.weighted() - a.captured();
    if (squared < kCancellation * a.weighted()) squared = a.left_after_tracked();
    const double error = std::sqrt(squared * scale);
    const bool rose = iteration > 1 && error >= result.trace.back();
    const bool best = iteration == 1 || squared < result.squared_error || !o.keep_best;
    result.trace.push_back(error);
    result.iterations = iteration;
    rises = rose ? rises + 1 : 0;
    if (rose) result.relaxation *= kShorten;
    Factors beyond = a.advance(x, result.relaxation);
    if (best) {
      result.squared_error = squared;
      result.target = std::move(target);
      best_x = std::move(x);
    }
    x = std::move(beyond);
    last_is_best = best;
    if (error <= o.target_error || rises >= kPatience || has_stalled(result.trace, o.tolerance)) break;
  }
  result.next = last_is_best ? std::move(x) : std::move(best_x);
  return result;
}

}  // namespace lq
