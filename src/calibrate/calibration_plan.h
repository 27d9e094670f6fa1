// How a calibration is cut so that it fits into memory: groups of windows that pass together, and segments of
// blocks whose sums are in memory together.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "calibrate/block_statistics.h"
#include "calibrate/calibration_windows.h"
#include "models/model.h"

namespace lq {

// Tokens that pass through a block together, as whole windows (at least one). Sums depend on it: never tune
// it by the machine.
constexpr std::int64_t kGroupTokens = 2048;

struct WindowGroup {
  std::int64_t first = 0, count = 0;  // windows
  bool held_out = false;
};
// Summed windows first; no group holds both kinds.
std::vector<WindowGroup> window_groups(const CalibrationWindows& windows);

using Segment = std::pair<std::int64_t, std::int64_t>;  // blocks [first, last)

struct CalibrationPlan {
  std::vector<Segment> segments;    // from the bottom
  bool boundaries_on_disk = false;  // else activations between segments stay in memory
  std::int64_t blocks_at_once = 0;  // of the largest segment
  // Peak, the model's weights included; where blocks are computed on a device, of that: boundaries then lie
  // apart.
  std::int64_t memory_bytes = 0;
  std::int64_t boundary_bytes = 0;  // of activations and gradients between segments, in the host's memory
  std::int64_t weight_bytes = 0;    // of them the weights
  std::int64_t disk_bytes = 0;      // of work in progress, at most
  std::int64_t output_bytes = 0;    // all finished statistics
};

// Bytes that a plan may take.
struct CalibrationBudget {
  std::int64_t memory = 0;  // of the processor, or of the device that computes
  // On a device: of the host's memory for what lies between segments. Else it shares `memory`.
  std::optional<std::int64_t> boundaries = {};
};

// The fewest segments that stay within the budget, boundaries in memory if possible; one block a segment
// where even that does not fit. blocks_at_once > 0: that many, whatever the budget.
CalibrationPlan plan_calibration(Model& model, const Gather& gather, const CalibrationWindows& windows,
                                 const CalibrationBudget& budget, std::int64_t blocks_at_once);
// The same on the processor.
inline CalibrationPlan plan_calibration(Model& model, const Gather& gather, const CalibrationWindows& windows,
                                        std::int64_t budget, std::int64_t blocks_at_once) {
  return plan_calibration(model, gather, windows, CalibrationBudget{budget}, blocks_at_once);
}

}  // namespace lq
