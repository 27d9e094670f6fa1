#include "jobs/quantize_matrix.h"

#include <gtest/gtest.h>

#include "formats/safetensors_writer.h"
#include "jobs/stats_metadata.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

TEST(QuantizeMatrix, FactorsCarryTheScaling) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  const CheckpointReader reader(dir.path() / "model");
  const TensorView& view = reader.at("model.layers.0.mlp.up_proj.weight");
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  QuantizeOptions options;
  options.decompose.rank = 4;
  const QuantizedMatrix one = quantize_matrix(context, view, options);
  options.alpha = 16.0;  // scaling 4: each factor is halved
  const QuantizedMatrix four = quantize_matrix(context, view, options);
  ASSERT_EQ(one.lora_a.shape(), (Shape{4, 32}));
  ASSERT_EQ(one.lora_b.shape(), (Shape{40, 4}));
  for (std::int64_t i = 0; i < one.lora_a.numel(); ++i) {
    EXPECT_EQ(one.lora_a.data<float>()[i], 2.0F * four.lora_a.data<float>()[i]);
  }
  EXPECT_EQ(one.report.relative_error, four.report.relative_error);
  EXPECT_EQ(one.report.storage_bytes, one.q.storage_bytes());
  EXPECT_EQ(one.report.low_rank_bytes, 4 * (32 + 40) * 4);
}

// Statistics of one module: what was seen, and what was held out.
CalibrationStats stats_of(const std::filesystem::path& path, const std::string& module, std::int64_t rows,
                          std::int64_t cols, const std::vector<float>& seen,
                          const std::vector<float>& held_out) {
  const StatsModules modules = {{module, {.rows = rows, .cols = cols, .input = module}}};
  const std::string moment = module + std::string(kInputMoment);
  const std::string other = module + std::string(kInputMomentHeldOut);
  SafetensorsWriter writer(path, {{moment, DType::kF32, {cols, cols}}, {other, DType::kF32, {cols, cols}}},
                           stats_metadata(modules, std::string(32, '0'), 1));
  writer.write_f32(moment, seen.data());
  writer.write_f32(other, held_out.data());
  writer.finish();
  return CalibrationStats::open(path);
}

TEST(QuantizeMatrix, TakesTheDiagonalWhereItIsBetterOnHeldOutInputs) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  const CheckpointReader reader(dir / "model");
  const std::string module = "model.layers.0.mlp.up_proj";
  const TensorView& view = reader.at(module + ".weight");
  const std::int64_t n = 32;
  // Inputs that move together by fours in the sample; alone, or together, in what was held out.
  std::vector<float> together(static_cast<std::size_t>(n * n), 0.0F);
  std::vector<float> alone = together;
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = i / 4 * 4; j < i / 4 * 4 + 4; ++j) {
      together[static_cast<std::size_t>(i * n + j)] = i == j ? 1.0F : 0.99F;
    }
    alone[static_cast<std::size_t>(i * n + i)] = 1.0F;
  }
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  QuantizeOptions options;
  options.choice = FormatSet().uniform(2);
  options.decompose.rank = 4;
  options.importance = ImportanceKind::kInput;
  const auto run = [&](const char* name, const std::vector<float>& held_out) {
    const MatrixImportance weights(ImportanceKind::kInput,
                                   stats_of(dir / name, module, view.shape()[0], n, together, held_out));
    return quantize_matrix(context, view, options, weights);
  };
  EXPECT_TRUE(run("alone.safetensors", alone).report.diagonal);
  EXPECT_FALSE(run("together.safetensors", together).report.diagonal);
}

}  // namespace
}  // namespace lq
