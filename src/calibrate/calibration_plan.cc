#include "calibrate/calibration_plan.h"

#include <algorithm>

namespace lq {

std::vector<WindowGroup> window_groups(const CalibrationWindows& windows) {
  std::vector<WindowGroup> groups;
  const auto add = [&](std::int64_t begin, std::int64_t end, bool held_out) {
    for (std::int64_t at = begin; at < end;) {
      std::int64_t next = at + 1;
      while (next < end && windows.tokens(at, next + 1 - at) <= kGroupTokens) ++next;
      groups.push_back({at, next - at, held_out});
      at = next;
    }
  };
  add(0, windows.summed(), false);
  add(windows.summed(), windows.count(), true);
  return groups;
}

CalibrationPlan plan_calibration(Model& model, const Gather& gather, const CalibrationWindows& windows,
                                 const CalibrationBudget& budget, std::int64_t blocks_at_once) {
  const ModelSpec& c = model.spec();
  TransformerBlock& block = model.block(0);
  // Tokens: of full groups, whether there is one or not.
  const std::int64_t group = windows.starts.empty()
                                 ? std::max<std::int64_t>(1, kGroupTokens / windows.seq_len) * windows.seq_len
                                 : std::max(kGroupTokens, windows.seq_len);
  constexpr std::int64_t kFloat = sizeof(float);
  const ModelMemory memory = model.memory_estimate(group, false);
  const std::int64_t sums = BlockStatistics::sum_bytes(block, gather);
  const std::int64_t output = BlockStatistics::output_bytes(block, gather);
  const std::int64_t tape =
      kFloat * (BlockTape::floats(block.tape_shape(group)) + group * c.hidden);  // and the block's input
  const std::int64_t row = kFloat * c.hidden;
  std::int64_t weighted = 0;  // an input, each position by its gradient
  for (const Module& m : block.modules()) {
    if (gather.weighted_input_moment) weighted = std::max(weighted, kFloat * group * m.linear->in());
  }
  const bool apart = budget.boundaries.has_value();
  const std::int64_t products = apart ? BlockStatistics::device_scratch_bytes(block, gather, group) : 0;
  const std::int64_t all = windows.tokens(0, windows.count()) * row;
  const std::int64_t summed = windows.tokens(0, windows.summed()) * row;
  const std::int64_t tapes_of_one = gather.gradients() ? 0 : 1;  // forward only: one tape serves all blocks

  const auto make = [&](std::int64_t at_once, bool on_disk) {
    CalibrationPlan p;
    const std::int64_t count = (c.layers() + at_once - 1) / at_once;
    for (std::int64_t s = 0; s < count; ++s) {
      p.segments.emplace_back(s * c.layers() / count, (s + 1) * c.layers() / count);
      p.blocks_at_once = std::max(p.blocks_at_once, p.segments.back().second - p.segments.back().first);
    }
    p.boundaries_on_disk = on_disk;
    // Activations below every segment but the first; gradients at one boundary (replaced group by group).
    const std::int64_t kept = gather.gradients() ? count - 1 : std::min<std::int64_t>(1, count - 1);
    const std::int64_t activations = kept * all;
    const std::int64_t gradients = gather.gradients() && count > 1 ? summed : 0;
    p.weight_bytes = memory.weights;
    p.boundary_bytes = on_disk ? 0 : activations + gradients;
    // What a block's statistics are written from is the host's.
    p.memory_bytes = memory.weights + memory.scratch + 4 * group * row + weighted +
                     (apart ? products : output) + p.blocks_at_once * sums +
                     (tapes_of_one != 0 ? tape : p.blocks_at_once * tape) + (apart ? 0 : p.boundary_bytes);
    p.output_bytes = c.layers() * output;
    p.disk_bytes = p.output_bytes + p.blocks_at_once * sums + 2 * gradients + (on_disk ? activations : 0);
    return p;
  };
  const auto fits = [&](const CalibrationPlan& p) {
    return p.memory_bytes <= budget.memory && (!apart || p.boundary_bytes <= *budget.boundaries);
  };
  // Boundaries go to disk where that helps: not where a device alone is full.
  const auto make_fixed = [&](std::int64_t at_once) {
    const CalibrationPlan p = make(at_once, false);
    const bool crowded = apart ? p.boundary_bytes > *budget.boundaries : p.memory_bytes > budget.memory;
    return crowded ? make(at_once, true) : p;
  };
  if (blocks_at_once > 0) return make_fixed(std::min(blocks_at_once, c.layers()));
  for (const bool on_disk : {false, true}) {
    for (std::int64_t count = 1; count <= c.layers(); ++count) {
      CalibrationPlan p = make((c.layers() + count - 1) / count, on_disk);
      if (fits(p)) return p;
    }
  }
  return make_fixed(1);
}

}  // namespace lq
