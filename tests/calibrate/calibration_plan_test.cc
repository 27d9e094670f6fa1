// How a calibration is cut: groups of whole windows, segments of blocks within a budget.
#include "calibrate/calibration_plan.h"

#include "calibrate_fixture.h"

namespace lq {
namespace {

using calibrate_test::small_model;
using calibrate_test::TempDir;

CalibrationWindows windows(std::int64_t seq_len, std::int64_t summed, std::int64_t held_out) {
  CalibrationWindows w;
  w.seq_len = seq_len;
  w.held_out = held_out;
  for (std::int64_t i = 0; i < summed + held_out; ++i) w.numbers.push_back(i);
  w.ids.resize(static_cast<std::size_t>((summed + held_out) * seq_len));
  return w;
}

TEST(WindowGroups, CoverAllWindowsOnceAndNeverMixKinds) {
  for (const std::int64_t seq_len : {1, 7, 512, 2048, 5000}) {
    for (const auto& [summed, held_out] : {std::pair{1, 0}, {5, 3}, {4000, 17}}) {
      const CalibrationWindows w = windows(seq_len, summed, held_out);
      std::int64_t next = 0;
      for (const WindowGroup& g : window_groups(w)) {
        EXPECT_EQ(g.first, next);
        EXPECT_GE(g.count, 1);
        EXPECT_TRUE(g.count == 1 || g.count * seq_len <= kGroupTokens);
        EXPECT_EQ(g.held_out, g.first >= summed);
        next += g.count;
        EXPECT_TRUE(g.held_out || next <= summed);
      }
      EXPECT_EQ(next, summed + held_out);
    }
  }
}

class CalibrationPlanTest : public testing::Test {
 protected:
  CalibrationPlanTest() {
    reference::RandomModel m = small_model();
    m.layers = 5;
    reference::write_random_model(machine_.pool, m, dir_ / "model");
    model_ = std::make_unique<Model>(Model::load(machine_.ctx, dir_ / "model"));
  }
  CalibrationPlan plan(std::int64_t budget, std::int64_t at_once = 0, const Gather& gather = {}) {
    return plan_calibration(*model_, gather, windows_, budget, at_once);
  }
  // Segments follow each other and cover the model.
  static void expect_whole(const CalibrationPlan& p) {
    std::int64_t next = 0;
    std::int64_t most = 0;
    for (const auto& [first, last] : p.segments) {
      EXPECT_EQ(first, next);
      EXPECT_GT(last, first);
      most = std::max(most, last - first);
      next = last;
    }
    EXPECT_EQ(next, 5);
    EXPECT_EQ(most, p.blocks_at_once);
  }

  TempDir dir_;
  calibrate_test::Machine machine_;
  std::unique_ptr<Model> model_;
  CalibrationWindows windows_ = windows(64, 40, 4);
};

TEST_F(CalibrationPlanTest, EverythingAtOnceWhereItFits) {
  const CalibrationPlan p = plan(std::int64_t{1} << 40);
  expect_whole(p);
  EXPECT_EQ(p.segments.size(), 1U);
  EXPECT_FALSE(p.boundaries_on_disk);
  EXPECT_GT(p.weight_bytes, 0);
  EXPECT_GT(p.memory_bytes, p.weight_bytes);
}

// Less memory: more segments, then activations on disk; never beyond the budget while a cut is left.
TEST_F(CalibrationPlanTest, LessMemoryMeansMoreSegmentsThenTheDisk) {
  const std::int64_t all = plan(std::int64_t{1} << 40).memory_bytes;
  std::size_t segments = 1;
  bool on_disk = false;
  bool one_block_each = false;
  for (std::int64_t budget = all; budget > 0; budget -= all / 40) {
    const CalibrationPlan p = plan(budget);
    expect_whole(p);
    if (p.memory_bytes > budget) {
      EXPECT_EQ(p.blocks_at_once, 1);
      EXPECT_TRUE(p.boundaries_on_disk);
      one_block_each = true;
      continue;
    }
    EXPECT_FALSE(one_block_each) << "a larger budget found no plan";
    EXPECT_GE(p.boundaries_on_disk, on_disk);
    if (p.boundaries_on_disk == on_disk) {
      EXPECT_GE(p.segments.size(), segments);
    }
    on_disk = p.boundaries_on_disk;
    segments = p.segments.size();
  }
  EXPECT_TRUE(one_block_each);
}

TEST_F(CalibrationPlanTest, AsManyBlocksAsAskedWhateverTheBudget) {
  for (std::int64_t at_once = 1; at_once <= 6; ++at_once) {
    const CalibrationPlan p = plan(1, at_once);
    expect_whole(p);
    EXPECT_LE(p.blocks_at_once, at_once);
    EXPECT_EQ(static_cast<std::int64_t>(p.segments.size()), (5 + at_once - 1) / at_once);
    EXPECT_TRUE(p.boundaries_on_disk);
  }
}

// One tape serves all blocks where no gradients are asked for.
TEST_F(CalibrationPlanTest, ForwardOnlyTakesLess) {
  Gather forward;
  forward.fisher = false;
  forward.output_grad_moment = false;
  EXPECT_LT(plan(std::int64_t{1} << 40, 0, forward).memory_bytes, plan(std::int64_t{1} << 40).memory_bytes);
}

}  // namespace
}  // namespace lq
