#include "jobs/sweep_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

const MatrixImportance kNoWeights;

SweepModelOptions few_configs(std::int64_t rank) {
  SweepModelOptions o;
  o.configs = {FormatSet().uniform(2), FormatSet().uniform(3),
               FormatSet().choice_of("4,4,bf16,32,64", "test")};
  o.sweep.rank = rank;
  o.importance = &kNoWeights;
  return o;
}

ErrorTable sweep(const CheckpointReader& reader, const SweepModelOptions& options, const WorkStore& store,
                 int threads = 2) {
  ThreadPool pool(threads);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  return sweep_model(context, reader, "hash", options, store);
}

TEST(SweepModel, TableHasEveryMatrixAndItsTrueErrors) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  const CheckpointReader reader(dir.path() / "model");
  const SweepModelOptions options = few_configs(0);
  const ErrorTable table = sweep(reader, options, WorkStore(dir / "store"));
  check_error_table(table, "test");
  ASSERT_EQ(table.matrices.size(), 14U);
  EXPECT_EQ(table.model, "hash");
  EXPECT_EQ(table.weights, "none");
  ThreadPool pool(1);
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    const TableMatrix& m = table.matrices[i];
    const Tensor w = reader.at(m.name).copy_f32();
    for (std::size_t c = 0; c < options.configs.size(); ++c) {
      const auto quantizer = make_quantizer(options.configs[c]);
      const PackedMatrix q = quantizer->pack(pool, w.data<float>(), m.rows, m.cols);
      std::vector<float> restored(static_cast<std::size_t>(w.numel()));
      q.dequantize(pool, restored.data());
      double error = 0.0;
      for (std::int64_t k = 0; k < w.numel(); ++k) {
        const double e = double{w.data<float>()[k]} - restored[static_cast<std::size_t>(k)];
        error += e * e;
      }
      EXPECT_NEAR(table.errors[table.position(i, c)], error, 1e-5 * error) << m.name;
      EXPECT_DOUBLE_EQ(table.bits[table.position(i, c)],
                       8.0 * static_cast<double>(q.storage_bytes()) / static_cast<double>(w.numel()));
    }
  }
}

TEST(SweepModel, RelativeErrorsAreOverTheMeanSquare) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  const CheckpointReader reader(dir.path() / "model");
  SweepModelOptions options = few_configs(0);
  const ErrorTable absolute = sweep(reader, options, WorkStore(dir / "absolute"));
  options.relative = true;
  const ErrorTable relative = sweep(reader, options, WorkStore(dir / "relative"));
  EXPECT_EQ(relative.weights, "none, relative");
  for (std::size_t i = 0; i < absolute.matrices.size(); ++i) {
    const Tensor w = reader.at(absolute.matrices[i].name).copy_f32();
    double squared = 0.0;
    for (std::int64_t k = 0; k < w.numel(); ++k) squared += std::pow(double{w.data<float>()[k]}, 2);
    const double mean_square = squared / static_cast<double>(w.numel());
    for (std::size_t c = 0; c < absolute.configs.size(); ++c) {
      const std::size_t at = absolute.position(i, c);
      EXPECT_NEAR(relative.errors[at], absolute.errors[at] / mean_square, 1e-6 * relative.errors[at]);
    }
  }
}

TEST(SweepModel, SameTableOnAnyNumberOfThreadsAndWhenResumed) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  const CheckpointReader reader(dir.path() / "model");
  const SweepModelOptions options = few_configs(4);
  const ErrorTable one = sweep(reader, options, WorkStore(dir / "one"), 1);
  EXPECT_EQ(sweep(reader, options, WorkStore(dir / "seven"), 7), one);
  const WorkStore store(dir / "one");
  store.erase(one.matrices[3].name);
  const auto damaged = store.file_of(one.matrices[5].name);
  std::filesystem::resize_file(damaged, std::filesystem::file_size(damaged) - 1);
  EXPECT_EQ(sweep(reader, options, store), one);
}

TEST(SweepModel, RefusesImpossibleRanksAndBadWeights) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  const CheckpointReader reader(dir.path() / "model");
  EXPECT_THROW(sweep(reader, few_configs(17), WorkStore(dir / "a")), Error);
  const float nan = std::nanf("");
  write_tiny_model(dir.path() / "bad", DType::kF32, &nan);
  try {
    sweep(CheckpointReader(dir / "bad"), few_configs(0), WorkStore(dir / "b"));
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("model.layers.1.self_attn.v_proj.weight"), std::string::npos);
  }
}

}  // namespace
}  // namespace lq
