// One group of windows through one segment of blocks.
#include <algorithm>
#include <cmath>

#include "calibrate/calibration_run.h"

namespace lq {

void CalibrationRun::load_input(const Segment& segment, std::int64_t group, Matrix x) {
  if (segment.first == 0) {
    const WindowGroup& g = groups_[static_cast<std::size_t>(group)];
    model_.embed(ctx_, plan_of(g), batch_of(g).ids, x);
    return;
  }
  LQ_CHECK(inputs_.get(ctx_, segment.first, group, x), kCorruptFile,
           "[calibrate] activations kept in the work folder are damaged; run the same command again");
}

void CalibrationRun::group_forward(const Segment& segment, std::int64_t group,
                                   const SegmentStatistics& statistics, bool keep) {
  const WindowGroup& g = groups_[static_cast<std::size_t>(group)];
  const Matrix x = buffer(stream_, g);
  load_input(segment, group, x);
  for (std::int64_t layer = segment.first; layer < segment.second; ++layer) {
    ctx_.stop.check();
    BlockStatistics& block = *statistics[static_cast<std::size_t>(layer - segment.first)];
    block.begin(g.held_out ? StatisticsPass::kInputsHeldOut : StatisticsPass::kInputs, {}, describe(g));
    model_.block(layer).forward(ctx_, workspace_, plan_of(g), x, tapes_.front(), x);
  }
  if (keep && segment.second < model_.spec().layers()) inputs_.put(ctx_, segment.second, group, x);
}

void CalibrationRun::group_backward(const Segment& segment, std::int64_t group,
                                    const SegmentStatistics& statistics) {
  const WindowGroup& g = groups_[static_cast<std::size_t>(group)];
  const SequencePlan& plan = plan_of(g);
  const std::span<const std::int64_t> starts = batch_of(g).starts;
  const bool top = segment.second == model_.spec().layers();
  load_input(segment, group, buffer(block_inputs_.front(), g));
  for (std::int64_t layer = segment.first; layer < segment.second; ++layer) {
    ctx_.stop.check();
    const auto i = static_cast<std::size_t>(layer - segment.first);
    statistics[i]->begin(StatisticsPass::kCheck, starts, describe(g));
    const Matrix x = buffer(block_inputs_[i], g);
    if (layer + 1 < segment.second) {
      model_.block(layer).forward(ctx_, workspace_, plan, x, tapes_[i], buffer(block_inputs_[i + 1], g));
    } else if (top) {
      model_.block(layer).forward(ctx_, workspace_, plan, x, tapes_[i], buffer(output_, g));
    } else {
      model_.block(layer).fill_tape(ctx_, workspace_, plan, x, tapes_[i]);
    }
  }
  const Matrix dx = buffer(stream_, g);
  if (top) {
    last_gradient(g, buffer(output_, g), dx);
  } else {
    LQ_CHECK(gradients_.get(ctx_, segment.second, group, dx), kCorruptFile,
             "[calibrate] gradients kept in the work folder are damaged; run the same command again");
    gradients_.forget(segment.second, group);
  }
  for (std::int64_t layer = segment.second; layer-- > segment.first;) {
    ctx_.stop.check();
    const auto i = static_cast<std::size_t>(layer - segment.first);
    statistics[i]->begin(StatisticsPass::kGradients, starts, describe(g));
    model_.block(layer).backward(ctx_, workspace_, plan, buffer(block_inputs_[i], g), tapes_[i], dx,
                                 layer > 0);
  }
  if (segment.first > 0) gradients_.put(ctx_, segment.first, group, dx);
}

void CalibrationRun::last_gradient(const WindowGroup& g, ConstMatrix x, Matrix dx) {
  const std::span<const std::int64_t> starts = starts_of(g);
  std::vector<float> losses;
  if (windows_.labelled()) {
    losses.resize(static_cast<std::size_t>(g.count));
    const auto labels = std::span(windows_.labels).subspan(static_cast<std::size_t>(g.first), losses.size());
    model_.label_head()->loss_backward(ctx_, workspace_, x, starts, labels, 1.0F, losses, dx);
  } else {
    losses.resize(static_cast<std::size_t>(tokens_of(g)));
    std::vector<std::int32_t> next;
    if (windows_.targets.empty()) next = next_token_targets(batch_of(g));
    const auto targets = windows_.targets.empty()
                             ? std::span<const std::int32_t>(next)
                             : std::span(windows_.targets)
                                   .subspan(static_cast<std::size_t>(windows_.start(g.first)), losses.size());
    model_.head().loss_backward(ctx_, workspace_, x, targets, 1.0F, losses, dx);
  }
  for (std::size_t t = 0; t < losses.size(); ++t) {
    const auto in_group =
        windows_.labelled()
            ? static_cast<std::ptrdiff_t>(t)
            : std::ranges::upper_bound(starts, static_cast<std::int64_t>(t)) - starts.begin() - 1;
    LQ_CHECK(std::isfinite(losses[t]), kInvalidArgument, "[calibrate] {}: the loss of {} is {} in window {}",
             windows_.labelled() ? "the task's head" : "lm_head", windows_.labelled() ? "a label" : "a token",
             losses[t], windows_.numbers[static_cast<std::size_t>(g.first + in_group)]);
    loss_sum_ += losses[t];
  }
}

}  // namespace lq
