// What a hook on a block's linears sums, against sums over the same rows.
#include "calibrate/block_statistics.h"

#include <limits>
#include <map>

#include "calibrate_fixture.h"

namespace lq {
namespace {

using calibrate_test::Machine;
using calibrate_test::small_model;
using calibrate_test::TempDir;

class BlockStatisticsTest : public testing::Test {
 protected:
  BlockStatisticsTest() {
    reference::write_random_model(machine_.pool, small_model(), dir_ / "model");
    model_.emplace(Model::load(machine_.ctx, dir_ / "model"));
  }
  TransformerBlock& block() { return model_->block(1); }
  // The block's linear of that role.
  Linear& linear(Role role) {
    for (const Module& m : block().modules()) {
      if (m.role == role) return *m.linear;
    }
    ADD_FAILURE() << "no such module";
    return *block().modules().front().linear;
  }
  // [rows, cols] of numbers between -1 and 1.
  static std::vector<float> numbers(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
    std::vector<float> values(static_cast<std::size_t>(rows * cols));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(Rng(seed).below(i, 2001)) / 1000.0F - 1.0F;
    }
    return values;
  }
  static std::map<std::string, Tensor> by_name(std::vector<std::pair<std::string, Tensor>> all) {
    std::map<std::string, Tensor> result;
    for (auto& [name, tensor] : all) result.emplace(name, std::move(tensor));
    return result;
  }

  TempDir dir_;
  Machine machine_;
  std::optional<Model> model_;
};

TEST_F(BlockStatisticsTest, OneInputIsKeptUnderItsFirstReadersName) {
  const auto specs = BlockStatistics::specs(block(), {});
  std::map<std::string, Shape> shapes;
  for (const TensorSpec& s : specs) EXPECT_TRUE(shapes.emplace(s.name, s.shape).second) << s.name;
  const Linear &q = linear(Role::kQ), &k = linear(Role::kK), &down = linear(Role::kDown);
  EXPECT_EQ(shapes.at(q.name() + std::string(kInputMoment)), (Shape{q.in(), q.in()}));
  EXPECT_FALSE(shapes.contains(k.name() + std::string(kInputMoment))) << "that of q";
  EXPECT_EQ(shapes.at(k.name() + std::string(kOutputGradMoment)), (Shape{k.out(), k.out()}));
  EXPECT_EQ(shapes.at(down.name() + std::string(kFisherRows)), (Shape{down.out()}));
  EXPECT_EQ(shapes.at(down.name() + std::string(kFisherCols)), (Shape{down.in()}));
  std::int64_t bytes = 0;
  for (const auto& [name, shape] : shapes) {
    std::int64_t numbers = 1;
    for (const std::int64_t d : shape) numbers *= d;
    bytes += 4 * numbers;
  }
  EXPECT_EQ(BlockStatistics::output_bytes(block(), {}), bytes);
}

// Where q is not asked for, k is the first that reads the same input.
TEST_F(BlockStatisticsTest, WhatIsNotWantedOwnsNothing) {
  Gather gather;
  const std::string q = linear(Role::kQ).name();
  const std::string k = linear(Role::kK).name();
  gather.wanted = [q](const std::string& module) { return module != q; };
  const StatsModules modules = BlockStatistics::modules(block(), gather);
  EXPECT_FALSE(modules.contains(q));
  EXPECT_EQ(modules.at(k).input, k);
  for (const TensorSpec& s : BlockStatistics::specs(block(), gather)) EXPECT_FALSE(s.name.starts_with(q));
  EXPECT_LT(BlockStatistics::sum_bytes(block(), gather), BlockStatistics::sum_bytes(block(), {}));
}

TEST_F(BlockStatisticsTest, MomentsAreMeansOverTheRowsOfTheirPass) {
  Linear& q = linear(Role::kQ);
  constexpr std::int64_t kRows = 5;
  const std::int64_t in = q.in();
  const std::vector<float> x = numbers(kRows, in, 1), held = numbers(kRows, in, 2);
  BlockStatistics statistics(machine_.ctx, block(), {});
  statistics.begin(StatisticsPass::kInputs, {}, "window 0");
  statistics.on_forward(machine_.ctx, q, {x.data(), kRows, in}, {});
  statistics.begin(StatisticsPass::kInputsHeldOut, {}, "window 1");
  statistics.on_forward(machine_.ctx, q, {held.data(), kRows, in}, {});
  statistics.begin(StatisticsPass::kCheck, {}, "window 2");  // is summed nowhere
  statistics.on_forward(machine_.ctx, q, {held.data(), kRows, in}, {});
  const auto have = by_name(statistics.finish(machine_.pool, {1, kRows, kRows}));
  for (const auto& [what, rows] : {std::pair{kInputMoment, &x}, {kInputMomentHeldOut, &held}}) {
    const Tensor& moment = have.at(q.name() + std::string(what));
    for (const auto& [i, j] : {std::pair<std::int64_t, std::int64_t>{0, 0}, {1, 0}, {3, 7}, {in - 1, 2}}) {
      double want = 0.0;
      for (std::int64_t r = 0; r < kRows; ++r) {
        const auto at = [&](std::int64_t c) { return (*rows)[static_cast<std::size_t>(r * in + c)]; };
        want += double{at(i)} * at(j) / kRows;
      }
      EXPECT_NEAR(moment.data<float>()[i * in + j], want, 1e-6) << what << ' ' << i << ' ' << j;
    }
  }
}

// The Fisher information of sequences is the sum of squares of each sequence's gradient, dy^T x over its
// rows.
TEST_F(BlockStatisticsTest, EachSequencesGradientIsSquaredByItself) {
  Linear& o = linear(Role::kO);
  const std::int64_t out = o.out(), in = o.in();
  constexpr std::int64_t kRows = 6;
  const std::vector<std::int64_t> starts = {0, 2, kRows};
  const std::vector<float> x = numbers(kRows, in, 3), dy = numbers(kRows, out, 4);
  Gather gather;
  gather.full_fisher = true;
  BlockStatistics statistics(machine_.ctx, block(), gather);
  statistics.begin(StatisticsPass::kGradients, starts, "windows 0, 1");
  statistics.on_backward(machine_.ctx, o, {x.data(), kRows, in}, {dy.data(), kRows, out}, {});
  const auto have = by_name(statistics.finish(machine_.pool, {1, kRows, 0}));
  const Tensor& full = have.at(o.name() + std::string(kFisher));
  const Tensor& rows = have.at(o.name() + std::string(kFisherRows));
  for (const std::int64_t r : {std::int64_t{0}, out / 2, out - 1}) {
    double row = 0.0;
    for (std::int64_t c = 0; c < in; ++c) {
      double want = 0.0;
      for (std::size_t s = 0; s + 1 < starts.size(); ++s) {
        double gradient = 0.0;
        for (std::int64_t t = starts[s]; t < starts[s + 1]; ++t) {
          gradient +=
              double{dy[static_cast<std::size_t>(t * out + r)]} * x[static_cast<std::size_t>(t * in + c)];
        }
        want += gradient * gradient;
      }
      EXPECT_NEAR(full.data<float>()[r * in + c], want, 1e-5 * (1.0 + want));
      row += want / static_cast<double>(in);
    }
    EXPECT_NEAR(rows.data<float>()[r], row, 1e-5 * (1.0 + row));
  }
}

TEST_F(BlockStatisticsTest, WhatIsNotFiniteIsRefusedWithItsLayerAndWindows) {
  Linear& q = linear(Role::kQ);
  std::vector<float> x = numbers(2, q.in(), 5);
  const std::vector<float> fine = x;
  std::vector<float> dy = numbers(2, q.out(), 6);
  BlockStatistics statistics(machine_.ctx, block(), {});
  const std::vector<std::int64_t> starts = {0, 2};
  statistics.begin(StatisticsPass::kCheck, starts, "windows 4, 9");
  x[3] = std::numeric_limits<float>::quiet_NaN();
  calibrate_test::expect_error(ErrorCode::kInvalidArgument, {q.name(), "its input", "windows 4, 9"}, [&] {
    statistics.on_forward(machine_.ctx, q, {x.data(), 2, q.in()}, {});
  });
  statistics.begin(StatisticsPass::kGradients, starts, "windows 4, 9");
  dy[1] = std::numeric_limits<float>::infinity();
  calibrate_test::expect_error(ErrorCode::kInvalidArgument, {q.name(), "gradient", "windows 4, 9"}, [&] {
    statistics.on_backward(machine_.ctx, q, {fine.data(), 2, q.in()}, {dy.data(), 2, q.out()}, {});
  });
}

TEST_F(BlockStatisticsTest, ALayerOfAnotherBlockIsNoneOfIts) {
  BlockStatistics statistics(machine_.ctx, block(), {});
  const Linear& other = *model_->block(0).modules().front().linear;
  const std::vector<float> x = numbers(1, other.in(), 7);
  calibrate_test::expect_error(ErrorCode::kInternal, {other.name(), "another block"}, [&] {
    statistics.on_forward(machine_.ctx, other, {x.data(), 1, other.in()}, {});
  });
}

}  // namespace
}  // namespace lq
