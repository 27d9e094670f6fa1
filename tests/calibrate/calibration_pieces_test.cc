// What a calibration keeps on disk, read back.
#include "calibrate/calibration_pieces.h"

#include "calibrate_fixture.h"

namespace lq {
namespace {

using calibrate_test::Machine;
using calibrate_test::small_model;
using calibrate_test::TempDir;

class CalibrationPiecesTest : public testing::Test {
 protected:
  CalibrationPiecesTest() : store_(dir_ / "store") {
    reference::write_random_model(machine_.pool, small_model(), dir_ / "model");
    model_.emplace(Model::load(machine_.ctx, dir_ / "model"));
  }
  // Sums of the blocks 1 and 2, all of one value.
  SegmentStatistics statistics(double value) {
    SegmentStatistics all;
    for (const std::int64_t layer : {1, 2}) {
      all.push_back(std::make_unique<BlockStatistics>(machine_.ctx, model_->block(layer), Gather()));
    }
    for (const auto& block : all) {
      for (const auto& [name, tensor] : block->state()) {
        std::ranges::fill(span_of<double>(*tensor), value);
      }
    }
    return all;
  }

  TempDir dir_;
  Machine machine_;
  std::optional<Model> model_;
  WorkStore store_;
  const Segment segment_ = {1, 3};
};

TEST_F(CalibrationPiecesTest, PartialSumsComeBack) {
  EXPECT_FALSE(find_partial_sums(store_, segment_).has_value());
  save_partial_sums(machine_.ctx, store_, segment_, 7, 1.25, statistics(3.5));
  EXPECT_FALSE(find_partial_sums(store_, {0, 3}).has_value()) << "another segment";
  const auto sums = find_partial_sums(store_, segment_);
  ASSERT_TRUE(sums.has_value());
  EXPECT_EQ(sums->next, 7);
  EXPECT_EQ(sums->loss, 1.25);
  const SegmentStatistics fresh = statistics(0.0);
  load_partial_sums(machine_.ctx, *sums, fresh);
  std::int64_t numbers = 0;
  for (const auto& block : fresh) {
    for (const auto& [name, tensor] : block->state()) {
      for (const double x : span_of<double>(*tensor)) ASSERT_EQ(x, 3.5) << name;
      numbers += tensor->numel();
    }
  }
  EXPECT_GT(numbers, 1000);
  erase_partial_sums(store_, segment_);
  EXPECT_FALSE(find_partial_sums(store_, segment_).has_value());
}

TEST_F(CalibrationPiecesTest, BlocksSayWhichModulesAreSilent) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const char* name : {"a.fisher", "a.moment", "b.fisher", "c.fisher"}) {
    tensors.emplace_back(name, Tensor::zeros(DType::kF32, {3}));
  }
  tensors[2].second.mutable_data<float>()[1] = 1e-30F;
  save_block(store_, 4, tensors);
  const auto piece = store_.get(block_piece_name(4));
  ASSERT_TRUE(piece.has_value());
  EXPECT_EQ(piece->info.at("silent"), nlohmann::json({"a", "c"}));
  EXPECT_EQ(piece->file.at("b.fisher").copy_f32().data<float>()[1], 1e-30F);
}

}  // namespace
}  // namespace lq
