#include "jobs/matrix_importance.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/safetensors_writer.h"
#include "jobs/select_matrices.h"
#include "jobs/stats_metadata.h"
#include "jobs/sweep_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

constexpr std::int64_t kRows = 3;
constexpr std::int64_t kCols = 4;

// Both moments of one module "m".
CalibrationStats stats_with(const std::filesystem::path& path, const std::vector<float>& r,
                            const std::vector<float>& g) {
  const StatsModules modules = {{"m", {.rows = kRows, .cols = kCols, .input = "m"}}};
  const std::string input = "m" + std::string(kInputMoment);
  const std::string output = "m" + std::string(kOutputGradMoment);
  SafetensorsWriter writer(path,
                           {{input, DType::kF32, {kCols, kCols}}, {output, DType::kF32, {kRows, kRows}}},
                           stats_metadata(modules));
  writer.write_f32(input, r.data());
  writer.write_f32(output, g.data());
  writer.finish();
  return CalibrationStats::open(path);
}

const std::vector<float> kInputs = {4, 1, 0, 0, 1, 9, 0, 0, 0, 0, 16, 2, 0, 0, 2, 25};
const std::vector<float> kGradients = {1, 0.5F, 0, 0.5F, 4, 0, 0, 0, 9};

TEST(MatrixImportance, DiagonalsAreThoseOfTheMoments) {
  const TempDir dir;
  ThreadPool pool(1);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const MatrixImportance kfac(ImportanceKind::kKfac, stats_with(dir / "a", kInputs, kGradients));
  EXPECT_TRUE(kfac.of(context, "m.weight", kRows, kCols).full());
  const Importance w = kfac.diagonal_of(context, "m.weight", kRows, kCols);
  ASSERT_FALSE(w.full());
  for (int i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(w.row_scale()[i], static_cast<float>(i + 1));
  for (int j = 0; j < 4; ++j) EXPECT_FLOAT_EQ(w.col_scale()[j], static_cast<float>(j + 2));
  const MatrixImportance input(ImportanceKind::kInput, stats_with(dir / "b", kInputs, kGradients));
  EXPECT_FLOAT_EQ(input.diagonal_of(context, "m.weight", kRows, kCols).col_scale()[3], 5.0F);
  EXPECT_TRUE(MatrixImportance().diagonal_of(context, "m.weight", kRows, kCols).plain());
  EXPECT_THROW(kfac.diagonal_of(context, "m.weight", kCols, kRows), Error);
  EXPECT_THROW(kfac.diagonal_of(context, "other.weight", kRows, kCols), Error);
}

TEST(MatrixImportance, KfacCountsPositionsByTheirGradients) {
  const TempDir dir;
  ThreadPool pool(1);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const StatsModules modules = {{"m", {.rows = kRows, .cols = kCols, .input = "m"}}};
  const std::string weighted = "m" + std::string(kWeightedInputMoment);
  const std::string input = "m" + std::string(kInputMoment);
  const std::string output = "m" + std::string(kOutputGradMoment);
  SafetensorsWriter writer(dir / "a",
                           {{input, DType::kF32, {kCols, kCols}},
                            {output, DType::kF32, {kRows, kRows}},
                            {weighted, DType::kF32, {kCols, kCols}}},
                           stats_metadata(modules));
  std::vector<float> other = kInputs;
  for (float& v : other) v *= 4.0F;
  writer.write_f32(input, kInputs.data());
  writer.write_f32(output, kGradients.data());
  writer.write_f32(weighted, other.data());
  writer.finish();
  const MatrixImportance kfac(ImportanceKind::kKfac, CalibrationStats::open(dir / "a"));
  const MatrixImportance by_input(ImportanceKind::kInput, CalibrationStats::open(dir / "a"));
  EXPECT_FLOAT_EQ(kfac.diagonal_of(context, "m", kRows, kCols).col_scale()[3], 10.0F);
  EXPECT_FLOAT_EQ(by_input.diagonal_of(context, "m", kRows, kCols).col_scale()[3], 5.0F);
  const Importance by_kfac = kfac.of(context, "m", kRows, kCols);
  const Importance plain = by_input.of(context, "m", kRows, kCols);
  EXPECT_FLOAT_EQ(by_kfac.right()->values()[0], 2.0F * plain.right()->values()[0]);
}

TEST(MatrixImportance, ALayerThatNeverFiresCountsNextToNothing) {
  const TempDir dir;
  ThreadPool pool(1);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const MatrixImportance kfac(ImportanceKind::kKfac,
                              stats_with(dir / "a", std::vector<float>(16, 0.0F), kGradients));
  const Importance w = kfac.diagonal_of(context, "m.weight", kRows, kCols);
  EXPECT_LT(w.col_scale()[0], 1e-7F);
  EXPECT_GT(w.col_scale()[0], 0.0F);
}

TEST(MatrixImportance, LargeMatricesAreSweptByDiagonals) {
  const TempDir dir;
  const std::int64_t n = 2049;  // n * n is just above 2^22
  SafetensorsWriter writer(dir / "model.safetensors",
                           {{"model.layers.0.a.weight", DType::kF32, {n, n}},
                            {"model.layers.0.b.weight", DType::kF32, {kRows, kCols}}},
                           {});
  const std::vector<float> zeros(static_cast<std::size_t>(n * n), 0.0F);
  writer.write_f32("model.layers.0.a.weight", zeros.data());
  writer.write_f32("model.layers.0.b.weight", zeros.data());
  writer.finish();
  const CheckpointReader reader(dir / "model.safetensors");
  const auto both = select_matrices(reader, {});
  const auto small = select_matrices(reader, {{"*.b.weight"}, {}});
  const MatrixImportance kfac(ImportanceKind::kKfac, stats_with(dir / "a", kInputs, kGradients));
  EXPECT_TRUE(sweeps_diagonals(both, kfac));
  EXPECT_FALSE(sweeps_diagonals(small, kfac));
  EXPECT_FALSE(sweeps_diagonals(both, MatrixImportance()));
}

}  // namespace
}  // namespace lq
