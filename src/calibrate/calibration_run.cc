#include "calibrate/calibration_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/process.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

constexpr std::int64_t kBackwardUnits = 4;  // of progress: forward, both products of backward, sums
// Saving partial sums may take this share of the time.
constexpr double kSavingShare = 0.05;

Gather nothing() {
  Gather g;
  g.wanted = [](const std::string&) { return false; };
  return g;
}

}  // namespace

CalibrationRun::CalibrationRun(Context& ctx, Model& model, const CalibrationWindows& windows,
                               const Gather& gather, const CalibrationPlan& plan, const WorkStore& store,
                               double save_every_seconds)
    : ctx_(ctx),
      model_(model),
      windows_(windows),
      gather_(gather),
      plan_(plan),
      store_(store),
      save_every_(save_every_seconds),
      groups_(window_groups(windows)),
      inputs_(store, "x", !plan.boundaries_on_disk, plan.boundaries_on_disk),
      // Gradients are dear to make again: they go to disk in any case.
      gradients_(store, "dx", !plan.boundaries_on_disk, true),
      workspace_(ctx.device, empty_tensor) {
  std::int64_t widest = 0;
  for (const WindowGroup& g : groups_) {
    if (!g.held_out) ++summed_groups_;
    widest = std::max(widest, tokens_of(g));
  }
  for (const WindowGroup& g : groups_) {
    for (std::int64_t i = 0; i <= g.count; ++i) starts_[g.first].push_back(windows.tokens(g.first, i));
  }
  const std::int64_t hidden = model.spec().hidden;
  const std::int64_t kept = gather.gradients() ? plan.blocks_at_once : 1;
  for (std::int64_t i = 0; i < kept; ++i) {
    block_inputs_.push_back(empty_tensor(ctx.device, DType::kF32, {widest, hidden}));
  }
  tapes_.resize(static_cast<std::size_t>(kept));
  stream_ = empty_tensor(ctx.device, DType::kF32, {widest, hidden});
  output_ = empty_tensor(ctx.device, DType::kF32, {widest, hidden});
}

TokenBatch CalibrationRun::batch_of(const WindowGroup& g) const {
  const auto first = static_cast<std::size_t>(windows_.start(g.first));
  const auto count = static_cast<std::size_t>(tokens_of(g));
  TokenBatch batch{std::span(windows_.ids).subspan(first, count), starts_of(g)};
  if (!windows_.types.empty()) batch.types = std::span(windows_.types).subspan(first, count);
  return batch;
}

const SequencePlan& CalibrationRun::plan_of(const WindowGroup& g) {
  const std::int64_t key = windows_.starts.empty() ? g.count : g.first;
  const auto it = plans_.find(key);
  if (it != plans_.end()) return it->second;
  return plans_.emplace(key, model_.plan(ctx_, batch_of(g))).first->second;
}

// Windows are numbered as they lie in the text.
std::string CalibrationRun::describe(const WindowGroup& g) const {
  std::string text = g.count == 1 ? "window" : "windows";
  for (std::int64_t i = 0; i < g.count; ++i) {
    text += fmt::format("{} {}", i == 0 ? "" : ",", windows_.numbers[static_cast<std::size_t>(g.first + i)]);
  }
  return text;
}

Matrix CalibrationRun::buffer(Tensor& t, const WindowGroup& g) const {
  return {t.mutable_data<float>(), tokens_of(g), model_.spec().hidden, t.device()};
}

bool CalibrationRun::segment_done(std::size_t s) const {
  const auto [first, last] = plan_.segments[s];
  for (std::int64_t layer = first; layer < last; ++layer) {
    if (!store_.has(block_piece_name(layer))) return false;
  }
  return !gather_.gradients() || last < model_.spec().layers() || store_.has("loss");
}

bool CalibrationRun::gradients_there(std::int64_t layer) const {
  for (std::int64_t g = 0; g < summed_groups_; ++g) {
    if (!gradients_.has(layer, g, tokens_of(groups_[static_cast<std::size_t>(g)]), model_.spec().hidden)) {
      return false;
    }
  }
  return true;
}

void CalibrationRun::advance(std::int64_t units) {
  units_ += units;
  const double share = std::min(1.0, static_cast<double>(units_) / static_cast<double>(all_units_));
  ctx_.progress.update(static_cast<std::int64_t>(share * static_cast<double>(windows_.ids.size())), "");
}

std::int64_t CalibrationRun::run() {
  std::int64_t before = 0;
  for (std::int64_t layer = 0; layer < model_.spec().layers(); ++layer) {
    before += store_.has(block_piece_name(layer)) ? 1 : 0;
  }
  ctx_.progress.begin("calibrate", std::ssize(windows_.ids), "tokens");
  if (gather_.gradients()) {
    run_backward();
  } else {
    run_forward();
  }
  ctx_.progress.end();
  return before;
}

double CalibrationRun::loss_sum() const {
  if (!gather_.gradients()) return 0.0;
  const auto item = store_.get("loss");
  LQ_CHECK(item.has_value(), kCorruptFile, "[calibrate] {}: the sum of losses is gone",
           store_.file_of("loss").string());
  return item->info.at("sum").get<double>();
}

// --- which segments, in which order ---

void CalibrationRun::run_backward() {
  std::vector<std::size_t> open;
  for (std::size_t s = 0; s < plan_.segments.size(); ++s) {
    if (!segment_done(s)) open.push_back(s);
  }
  if (open.empty()) return;
  const std::size_t lowest = open.front();
  // The gradients above the highest open one may be gone: then from further up.
  std::size_t start = open.back();
  while (start + 1 < plan_.segments.size() && !gradients_there(plan_.segments[start].second)) ++start;

  const std::int64_t tokens = std::ssize(windows_.ids);
  all_units_ = tokens * plan_.segments[start].first +
               kBackwardUnits * tokens * (plan_.segments[start].second - plan_.segments[lowest].first);
  carry_activations(start);
  for (std::size_t s = start + 1; s-- > lowest;) run_segment(s);
}

void CalibrationRun::run_forward() {
  std::size_t lowest = 0;
  while (lowest < plan_.segments.size() && segment_done(lowest)) ++lowest;
  if (lowest == plan_.segments.size()) return;
  all_units_ = std::ssize(windows_.ids) * model_.spec().layers();
  carry_activations(lowest);
  for (std::size_t s = lowest; s < plan_.segments.size(); ++s) run_segment(s);
}

// Activations at the lower ends of the first `segments` segments but one, and of the next.
void CalibrationRun::carry_activations(std::size_t segments) {
  const Gather none = nothing();
  for (std::size_t s = 0; s < segments; ++s) {
    const Segment& segment = plan_.segments[s];
    SegmentStatistics checks;
    for (std::int64_t layer = segment.first; layer < segment.second; ++layer) {
      checks.push_back(std::make_unique<BlockStatistics>(ctx_, model_.block(layer), none));
    }
    for (std::int64_t g = 0; g < std::ssize(groups_); ++g) {
      const WindowGroup& group = groups_[static_cast<std::size_t>(g)];
      const std::int64_t units = tokens_of(group) * (segment.second - segment.first);
      if (!inputs_.has(segment.second, g, tokens_of(group), model_.spec().hidden)) {
        group_forward(segment, g, checks, true);
        advance(units);
      } else {
        units_ += units;
      }
    }
    // Forward only, each boundary is used once.
    if (!gather_.gradients() && s > 0) inputs_.erase(segment.first, std::ssize(groups_));
  }
}

void CalibrationRun::run_segment(std::size_t s) {
  const Segment& segment = plan_.segments[s];
  const std::int64_t blocks = segment.second - segment.first;
  SegmentStatistics statistics;
  for (std::int64_t layer = segment.first; layer < segment.second; ++layer) {
    statistics.push_back(std::make_unique<BlockStatistics>(ctx_, model_.block(layer), gather_));
  }
  loss_sum_ = 0.0;
  const std::int64_t units = gather_.gradients() ? kBackwardUnits * blocks : blocks;
  std::int64_t g = load_partial(segment, statistics);
  for (std::int64_t done = 0; done < g; ++done) {
    units_ += units * tokens_of(groups_[static_cast<std::size_t>(done)]);
  }
  double saved = monotonic_seconds();
  double interval = save_every_;
  for (; g < std::ssize(groups_); ++g) {
    if (gather_.gradients() && g < summed_groups_) {
      group_backward(segment, g, statistics);
    } else {
      group_forward(segment, g, statistics, !gather_.gradients());
    }
    advance(units * tokens_of(groups_[static_cast<std::size_t>(g)]));
    const double now = monotonic_seconds();
    if (g + 1 == std::ssize(groups_) || (now - saved < interval && !ctx_.stop.requested())) continue;
    save_partial_sums(ctx_, store_, segment, g + 1, loss_sum_, statistics);
    ctx_.stop.check();
    saved = monotonic_seconds();
    interval = std::max(save_every_, (saved - now) / kSavingShare);
  }
  finish_segment(segment, statistics);
}

// --- what is kept ---

std::int64_t CalibrationRun::load_partial(const Segment& segment, const SegmentStatistics& statistics) {
  const std::optional<PartialSums> sums = find_partial_sums(store_, segment);
  if (!sums) return 0;
  // What these groups brought besides must be there as well: gradients for the segment below and, forward
  // only, activations for the one above.
  const bool gradients = gather_.gradients();
  const bool below = gradients && segment.first > 0;
  const bool above = !gradients && segment.second < model_.spec().layers();
  for (std::int64_t g = 0; g < sums->next; ++g) {
    const std::int64_t tokens = tokens_of(groups_[static_cast<std::size_t>(g)]);
    const std::int64_t hidden = model_.spec().hidden;
    if (below && g < summed_groups_ && !gradients_.has(segment.first, g, tokens, hidden)) return 0;
    if (above && !inputs_.has(segment.second, g, tokens, hidden)) return 0;
  }
  load_partial_sums(ctx_, *sums, statistics);
  loss_sum_ = sums->loss;
  return sums->next;
}

void CalibrationRun::finish_segment(const Segment& segment, SegmentStatistics& statistics) {
  const std::int64_t summed = windows_.summed();
  const StatisticsCounts counts{windows_.predicted(), windows_.tokens(0, summed),
                                windows_.tokens(summed, windows_.held_out)};
  if (gather_.gradients() && segment.second == model_.spec().layers()) {
    store_.put("loss", {}, {{"sum", loss_sum_}});
  }
  for (std::size_t i = 0; i < statistics.size(); ++i) {
    statistics[i]->to_host(ctx_);
    const auto tensors = statistics[i]->finish(ctx_.pool, counts);
    statistics[i].reset();
    save_block(store_, segment.first + static_cast<std::int64_t>(i), tensors);
  }
  erase_partial_sums(store_, segment);
  const std::int64_t groups = std::ssize(groups_);
  if (segment.first > 0) inputs_.erase(segment.first, groups);
  if (gather_.gradients() && segment.second < model_.spec().layers()) {
    gradients_.erase(segment.second, summed_groups_);
  }
}

}  // namespace lq
