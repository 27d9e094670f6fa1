// The passes of a calibration: forward to the boundaries between segments of blocks, then from the last
// segment to the first forward and backward through each for all windows, summing. What is finished lies in a
// WorkStore (calibration_pieces.h), so that a run that was killed goes on with the same bits.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "calibrate/boundary_store.h"
#include "calibrate/calibration_pieces.h"
#include "formats/work_store.h"
#include "tensor/workspace.h"

namespace lq {

class CalibrationRun {
 public:
  // All outlive this. store: of this job alone.
  CalibrationRun(Context& ctx, Model& model, const CalibrationWindows& windows, const Gather& gather,
                 const CalibrationPlan& plan, const WorkStore& store, double save_every_seconds);

  // Until every block has its piece. Returns how many had one before.
  std::int64_t run();
  // Sum of the summed windows' losses in nats; 0 where no gradient was asked for. REQUIRES: run().
  double loss_sum() const;

 private:
  std::int64_t tokens_of(const WindowGroup& g) const { return windows_.tokens(g.first, g.count); }
  std::span<const std::int64_t> starts_of(const WindowGroup& g) const { return starts_.at(g.first); }
  TokenBatch batch_of(const WindowGroup& g) const;
  const SequencePlan& plan_of(const WindowGroup& g);
  std::string describe(const WindowGroup& g) const;
  Matrix buffer(Tensor& t, const WindowGroup& g) const;
  bool segment_done(std::size_t s) const;
  bool gradients_there(std::int64_t layer) const;
  void load_input(const Segment& segment, std::int64_t group, Matrix x);
  void carry_activations(std::size_t segments);
  void run_backward();
  void run_forward();
  void run_segment(std::size_t s);
  void group_backward(const Segment& segment, std::int64_t group, const SegmentStatistics& statistics);
  // keep: what comes out is the input of the segment above.
  void group_forward(const Segment& segment, std::int64_t group, const SegmentStatistics& statistics,
                     bool keep);
  void last_gradient(const WindowGroup& g, ConstMatrix x, Matrix dx);
  std::int64_t load_partial(const Segment& segment, const SegmentStatistics& statistics);
  void finish_segment(const Segment& segment, SegmentStatistics& statistics);
  void advance(std::int64_t units);

  Context& ctx_;
  Model& model_;
  const CalibrationWindows& windows_;
  const Gather& gather_;
  const CalibrationPlan& plan_;
  const WorkStore& store_;
  double save_every_;
  std::vector<WindowGroup> groups_;
  std::int64_t summed_groups_ = 0;
  std::map<std::int64_t, std::vector<std::int64_t>> starts_;  // of a group's windows, by its first
  std::map<std::int64_t, SequencePlan> plans_;  // by windows in a group; of a task's examples by the first
  BoundaryStore inputs_, gradients_;
  Workspace workspace_;
  std::vector<Tensor> block_inputs_;
  std::vector<BlockTape> tapes_;
  Tensor stream_, output_;
  double loss_sum_ = 0.0;
  std::int64_t units_ = 0, all_units_ = 1;  // of progress: one token through one block, forward
};

}  // namespace lq
