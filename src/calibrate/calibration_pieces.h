// What a calibration keeps in its WorkStore: finished blocks, and the sums of a segment that is on its way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calibrate/block_statistics.h"
#include "calibrate/calibration_plan.h"
#include "formats/work_store.h"
#include "tensor/context.h"

namespace lq {

// A block's each, in the order of a segment.
using SegmentStatistics = std::vector<std::unique_ptr<BlockStatistics>>;

// The sums of a segment over the window groups before `next`.
struct PartialSums {
  WorkItem item;
  std::int64_t next;
  double loss;  // nats
};

void save_partial_sums(Context& ctx, const WorkStore& store, const Segment& segment, std::int64_t next,
                       double loss, const SegmentStatistics& statistics);
// Nothing where there are none, or damaged ones.
std::optional<PartialSums> find_partial_sums(const WorkStore& store, const Segment& segment);
// Throws Error(kInternal) where they lack one of the statistics' sums.
void load_partial_sums(Context& ctx, const PartialSums& sums, const SegmentStatistics& statistics);
void erase_partial_sums(const WorkStore& store, const Segment& segment);

// Piece of a finished block: its tensors by name, and info {"silent": [module, ...]}, modules whose
// statistics are all zero.
std::string block_piece_name(std::int64_t layer);
void save_block(const WorkStore& store, std::int64_t layer,
                const std::vector<std::pair<std::string, Tensor>>& tensors);

}  // namespace lq
