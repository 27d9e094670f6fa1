#include "decompose/lq_loop.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "backends/cpu/gemm.h"

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

// next = step beyond tracker's approximation S, away from `last`: S + relaxation (S - P last), where P
// projects onto the columns of S.
Iterate advance(ThreadPool& pool, std::int64_t rows, std::int64_t cols, const SubspaceTracker& tracker,
                const Iterate& last, double relaxation) {
  const std::int64_t r = tracker.rank();
  Iterate next{tracker.u(), {tracker.basis().begin(), tracker.basis().begin() + r * cols}};
  if (last.u.empty() || relaxation == 0.0) return next;
  std::vector<float> turn(static_cast<std::size_t>(r * r));
  backends::gemm(pool, r, r, rows, next.u.data(), r, last.u.data(), r, turn.data(), r, {.trans_a = true});
  backends::gemm(pool, r, cols, r, turn.data(), r, last.b.data(), cols, next.b.data(), cols,
                 {.alpha = static_cast<float>(-relaxation), .beta = static_cast<float>(1.0 + relaxation)});
  return next;
}

// Whether the last kWindow iterations together brought less than `tolerance` each.
bool has_stalled(const std::vector<double>& trace, double tolerance) {
  if (tolerance <= 0.0 || trace.size() <= kWindow) return false;
  const double before = trace[trace.size() - 1 - kWindow];
  return before - trace.back() < static_cast<double>(kWindow) * tolerance * before;
}

}  // namespace

LqLoopResult lq_loop(Context& context, std::int64_t rows, std::int64_t cols, ResidualSpace& space,
                     SubspaceTracker& tracker, const LqLoopOptions& o) {
  LqLoopResult result;
  result.relaxation = o.relaxation;
  Iterate x;
  Iterate best_x;
  bool last_is_best = true;
  int rises = 0;
  bool fresh = o.start == nullptr;  // the tracker knows nothing yet
  const auto track = [&] {
    for (int i = 0; i < (fresh ? kFirstPasses : 1); ++i) tracker.pass(context.pool, space.residual());
    fresh = false;
  };
  if (o.start != nullptr) {
    x = *o.start;
  } else if (o.start_from_svd) {
    track();
    x = advance(context.pool, rows, cols, tracker, {}, 0.0);
  }
  const double scale = space.weighted_w() > 0.0 ? 1.0 / space.weighted_w() : 0.0;
  for (int iteration = 1; iteration <= o.max_iterations; ++iteration) {
    context.stop.check();
    Factors target = x.u.empty() ? Factors{} : space.to_plain(o.rank, x.u, x.b);
    space.quantize(target);
    track();
    double squared = space.weighted() - tracker.captured();
    if (squared < kCancellation * space.weighted()) {
      squared = space.left_after(o.rank, tracker.u(), tracker.basis());
    }
    const double error = std::sqrt(squared * scale);
    const bool rose = iteration > 1 && error >= result.trace.back();
    const bool best = iteration == 1 || squared < result.squared_error || !o.keep_best;
    result.trace.push_back(error);
    result.iterations = iteration;
    rises = rose ? rises + 1 : 0;
    if (rose) result.relaxation *= kShorten;
    Iterate beyond = advance(context.pool, rows, cols, tracker, x, result.relaxation);
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
