// The passes of a calibration in parts, against one pass through the whole model.
#include "calibrate/calibration_run.h"

#include <map>

#include "calibrate_fixture.h"

namespace lq {
namespace {

using calibrate_test::Machine;
using calibrate_test::random_text;
using calibrate_test::small_model;
using calibrate_test::TempDir;

class CalibrationRunTest : public testing::Test {
 protected:
  CalibrationRunTest() {
    reference::write_random_model(machine_.pool, small_model(), dir_ / "model");
    model_.emplace(Model::load(machine_.ctx, dir_ / "model"));
    windows_.seq_len = 24;
    windows_.held_out = 2;
    windows_.ids = calibrate_test::ids_of(random_text(24 * 12));
    for (std::int64_t i = 0; i < 12; ++i) windows_.numbers.push_back(i);
  }

  // Whether the run found nothing to do, and its sum of losses.
  struct Ran {
    std::int64_t before = 0;
    double loss = 0.0;
  };
  Ran run(const std::string& folder, const CalibrationPlan& plan, const Gather& gather = {}) {
    const WorkStore store(dir_ / folder);
    CalibrationRun run(machine_.ctx, *model_, windows_, gather, plan, store, 1e9);
    const std::int64_t before = run.run();
    return {before, run.loss_sum()};
  }
  CalibrationPlan plan(std::int64_t blocks_at_once, const Gather& gather = {}) {
    return plan_calibration(*model_, gather, windows_, std::int64_t{1} << 40, blocks_at_once);
  }
  // All finished numbers of a folder, by name.
  std::map<std::string, std::vector<float>> pieces(const std::string& folder) const {
    const WorkStore store(dir_ / folder);
    std::map<std::string, std::vector<float>> all;
    for (std::int64_t layer = 0; layer < 3; ++layer) {
      const auto piece = store.get(block_piece_name(layer));
      EXPECT_TRUE(piece.has_value()) << layer;
      if (!piece) continue;
      for (const TensorView& v : piece->file.tensors()) {
        std::vector<float>& values = all[std::string(v.name())];
        values.resize(static_cast<std::size_t>(v.numel()));
        convert_to_f32(v.dtype(), v.data, 0, v.numel(), values.data());
      }
    }
    return all;
  }

  TempDir dir_;
  Machine machine_;
  std::optional<Model> model_;
  CalibrationWindows windows_;
};

TEST_F(CalibrationRunTest, SegmentsChangeNoBit) {
  const Ran whole = run("whole", plan(3));
  EXPECT_GT(whole.loss, 0.0);
  const auto want = pieces("whole");
  CalibrationPlan parts = plan(1);
  ASSERT_EQ(parts.segments.size(), 3U);
  for (const bool on_disk : {false, true}) {
    parts.boundaries_on_disk = on_disk;
    const std::string folder = on_disk ? "disk" : "memory";
    EXPECT_EQ(run(folder, parts).loss, whole.loss);
    EXPECT_EQ(pieces(folder), want) << folder;
  }
}

// The loss is that of the summed windows alone.
TEST_F(CalibrationRunTest, HeldOutWindowsHaveNoPartInTheLoss) {
  const Ran some = run("some", plan(3));
  windows_.held_out = 0;
  const Ran every = run("every", plan(3));
  EXPECT_GT(every.loss, some.loss);
  EXPECT_NEAR(every.loss / 12.0, some.loss / 10.0, 0.2 * some.loss / 10.0);
}

TEST_F(CalibrationRunTest, WhatIsFinishedIsNotMadeAgain) {
  const Ran first = run("store", plan(1));
  EXPECT_EQ(first.before, 0);
  const auto want = pieces("store");
  EXPECT_EQ(run("store", plan(1)).before, 3);
  // A lost piece is made again, from what lies above it or anew.
  WorkStore(dir_ / "store").erase(block_piece_name(1));
  const Ran again = run("store", plan(1));
  EXPECT_EQ(again.before, 2);
  EXPECT_EQ(again.loss, first.loss);
  EXPECT_EQ(pieces("store"), want);
}

TEST_F(CalibrationRunTest, InputsAloneNeedNoBackwardPass) {
  Gather inputs;
  inputs.fisher = inputs.output_grad_moment = false;
  const Ran ran = run("inputs", plan(1, inputs), inputs);
  EXPECT_EQ(ran.loss, 0.0);
  run("both", plan(3));
  const auto both = pieces("both");
  const auto have = pieces("inputs");
  EXPECT_FALSE(have.empty());
  for (const auto& [name, values] : have) EXPECT_EQ(values, both.at(name)) << name;
}

// No piece of work in progress is left behind.
TEST_F(CalibrationRunTest, OnlyPiecesAndTheLossStay) {
  CalibrationPlan parts = plan(1);
  parts.boundaries_on_disk = true;
  run("store", parts);
  std::int64_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir_ / "store")) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(files, 4);
}

}  // namespace
}  // namespace lq
