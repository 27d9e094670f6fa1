#include "decompose/lq_loop.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/cpu/gemm.h"

namespace lq {
namespace {

// Passes over the first residual: one, and two power iterations. Later residuals start from the last
// subspace.
constexpr int kFirstPasses = 3;
// Iterations over which progress is judged, and rises in a row that end the loop.
constexpr std::size_t kWindow = 3;
constexpr int kPatience = 4;
// Where the error rises, the step beyond the SVD is cut by this.
constexpr double kShorten = 0.5;

// u [rows, rank], b [rank, cols]: factors in weighted coordinates.
struct Iterate {
  std::vector<float> u, b;
};

// next = step beyond tracker's approximation S, away from `last`: S + relaxation (S - P last), where P
// projects onto the columns of S.
Iterate advance(ThreadPool& pool, std::int64_t rows, std::int64_t cols, const SubspaceTracker& tracker,
                const Iterate& last, double relaxation) {
  const std::int64_t r = tracker.rank();
  Iterate next{tracker.u(), {tracker.basis().begin(), tracker.basis().begin() + r * cols}};
  if (last.u.empty() || relaxation == 0.0) return next;
  std::vector<float> turn(static_cast<std::size_t>(r * r));
  kernels::gemm(pool, r, r, rows, next.u.data(), r, last.u.data(), r, turn.data(), r, {.trans_a = true});
  kernels::gemm(pool, r, cols, r, turn.data(), r, last.b.data(), cols, next.b.data(), cols,
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
  Iterate x;
  double relaxation = o.relaxation;
  double best = 0.0;
  int rises = 0;
  bool fresh = true;  // the tracker knows nothing yet
  const auto track = [&] {
    for (int i = 0; i < (fresh ? kFirstPasses : 1); ++i) tracker.pass(context.pool, space.residual());
    fresh = false;
  };
  if (o.start_from_svd) {
    track();
    x = advance(context.pool, rows, cols, tracker, x, 0.0);
  }
  const double scale = space.weighted_w() > 0.0 ? 1.0 / space.weighted_w() : 0.0;
  for (int iteration = 1; iteration <= o.max_iterations; ++iteration) {
    context.stop.check();
    Factors target = x.u.empty() ? Factors{} : space.to_plain(o.rank, x.u, x.b);
    space.quantize(target);
    track();
    const double error = std::sqrt(std::max(0.0, space.weighted() - tracker.captured()) * scale);
    const bool rose = !result.trace.empty() && error >= result.trace.back();
    result.trace.push_back(error);
    result.iterations = iteration;
    if (iteration == 1 || error < best || !o.keep_best) {
      best = error;
      result.target = std::move(target);
    }
    rises = rose ? rises + 1 : 0;
    if (rose) relaxation *= kShorten;
    if (best <= o.target_error || rises >= kPatience) break;
    if (has_stalled(result.trace, o.tolerance)) break;
    x = advance(context.pool, rows, cols, tracker, x, relaxation);
  }
  return result;
}

}  // namespace lq
