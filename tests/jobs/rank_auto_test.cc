// A budget that chooses ranks: from the sweep to the files written.
#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/peft_adapter.h"
#include "jobs/inspect.h"
#include "jobs/quantize_model.h"
#include "jobs/sweep_model.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

// The tiny model's matrices are random, so factors are worth little: one matrix is made large and of rank 1.
void write_low_rank_model(const std::filesystem::path& directory) {
  write_tiny_model(directory);
  const CheckpointReader reader(directory);
  std::vector<TensorSpec> specs;
  std::vector<Tensor> values;
  for (const TensorView& view : reader.tensors()) {
    specs.push_back(view.spec);
    Tensor w = view.copy_f32();
    if (view.name() == "model.layers.0.mlp.up_proj.weight") {
      float* x = w.mutable_data<float>();
      for (std::int64_t i = 0; i < w.numel(); ++i) x[i] = i < 32 ? 4.0F * x[i] : x[i % 32];
    }
    values.push_back(std::move(w));
  }
  SafetensorsWriter writer(directory / "new.safetensors", specs, {{"format", "pt"}});
  for (std::size_t i = 0; i < specs.size(); ++i) writer.write_f32(specs[i].name, values[i].data<float>());
  writer.finish();
  std::filesystem::rename(directory / "new.safetensors", directory / "model.safetensors");
}

QuantizeOptions auto_options(const TempDir& dir, const char* out) {
  QuantizeOptions o;
  o.model = dir / "model";
  o.out = dir / out;
  o.decompose.rank = 0;
  o.decompose.factors = DType::kBf16;
  o.rank_choices = parse_rank_choices("auto");
  o.budget.bits = 4.0;
  o.budget.configs = {FormatSet().choice_of("2,4,bf16,32,64", "test"),
                      FormatSet().choice_of("3,4,bf16,32,64", "test"),
                      FormatSet().choice_of("4,4,bf16,32,64", "test")};
  return o;
}

QuantizeReport run_auto(const QuantizeOptions& options, int threads = 2) {
  ThreadPool pool(threads);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  return quantize_model(context, options);
}

std::string auto_error(const QuantizeOptions& options) {
  try {
    run_auto(options);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(RankAuto, FactorsCountIntoTheBudgetAndLieInTheAdapterAsChosen) {
  const TempDir dir;
  write_low_rank_model(dir / "model");
  const QuantizeReport report = run_auto(auto_options(dir, "out"));
  EXPECT_LE(report.bits_per_weight_with_low_rank(), 4.0);
  EXPECT_LT(report.bits_per_weight(), report.bits_per_weight_with_low_rank());
  EXPECT_EQ(report.factors, "bf16");
  const PeftAdapterReader adapter(dir / "out/adapter");
  std::int64_t pairs = 0;
  for (const MatrixReport& m : report.matrices) {
    const LoraPair* pair = adapter.find(m.name.substr(0, m.name.size() - 7));
    ASSERT_EQ(pair != nullptr, m.rank > 0) << m.name;
    EXPECT_EQ(m.low_rank_bytes, m.rank * (m.rows + m.cols) * 2);
    if (pair == nullptr) continue;
    ++pairs;
    EXPECT_EQ(pair->rank, m.rank);
    EXPECT_EQ(pair->scaling, 1.0);
    EXPECT_EQ(pair->a.dtype(), DType::kBf16);
    if (m.name == "model.layers.0.mlp.up_proj.weight") {
      EXPECT_GE(m.rank, 1);
      EXPECT_LT(m.relative_error, 0.02);
    }
  }
  EXPECT_EQ(static_cast<std::size_t>(pairs), adapter.pairs().size());
  EXPECT_GT(pairs, 0);
  EXPECT_LT(pairs, 14);
}

TEST(RankAuto, InspectTellsRanksAndBitsWithTheFactors) {
  const TempDir dir;
  write_low_rank_model(dir / "model");
  const QuantizeReport report = run_auto(auto_options(dir, "out"));
  ThreadPool pool(1);
  const Inspection seen = inspect_path(pool, dir / "out");
  std::string with_low_rank;
  for (const auto& [key, value] : seen.facts) {
    if (key == "with low rank") with_low_rank = value;
  }
  EXPECT_EQ(with_low_rank, fmt::format("{:.4f}", report.bits_per_weight_with_low_rank()));
  for (const MatrixReport& m : report.matrices) {
    const auto found = std::find_if(seen.tensors.begin(), seen.tensors.end(),
                                    [&](const InspectedTensor& t) { return t.name == m.name; });
    ASSERT_NE(found, seen.tensors.end());
    EXPECT_EQ(found->rank, m.rank);
    EXPECT_NEAR(
        found->bits_with_low_rank,
        8.0 * static_cast<double>(m.storage_bytes + m.low_rank_bytes) / static_cast<double>(m.rows * m.cols),
        1e-9);
  }
}

TEST(RankAuto, SameBytesOnAnyNumberOfThreads) {
  const TempDir dir;
  write_low_rank_model(dir / "model");
  run_auto(auto_options(dir, "one"), 1);
  run_auto(auto_options(dir, "seven"), 7);
  for (const char* name : {"model.safetensors", "config.json", "lqlora.json", "adapter/adapter_config.json",
                           "adapter/adapter_model.safetensors"}) {
    const std::string one = io_test::get_file(dir / "one" / name);
    ASSERT_FALSE(one.empty()) << name;
    EXPECT_EQ(one, io_test::get_file(dir / "seven" / name)) << name;
  }
}

TEST(RankAuto, TheTableHoldsEveryConfigurationAtEveryRank) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  const CheckpointReader reader(dir / "model");
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const MatrixImportance none;
  SweepModelOptions options;
  options.configs = {FormatSet().uniform(2), FormatSet().uniform(3)};
  options.importance = &none;
  options.ranks = {0, 4, 16};
  options.factor_bits = 16;
  const WorkStore store(dir / "store");
  const ErrorTable table = sweep_model(context, reader, "hash", options, store);
  check_error_table(table, "test");
  EXPECT_EQ(table.ranks, (std::vector<int>{0, 0, 4, 4, 16, 16}));
  EXPECT_EQ(sweep_model(context, reader, "hash", options, store), table);  // from the store
  options.ranks.clear();
  for (const int rank : {0, 16}) {
    options.sweep.rank = rank;
    const ErrorTable alone =
        sweep_model(context, reader, "hash", options, WorkStore(dir / std::to_string(rank)));
    for (std::size_t i = 0; i < table.matrices.size(); ++i) {
      for (std::size_t c = 0; c < 2; ++c) {
        const std::size_t at = table.position(i, rank == 0 ? c : 4 + c);
        EXPECT_EQ(table.errors[at], alone.errors[alone.position(i, c)]);
        const TableMatrix& m = table.matrices[i];
        const double weights = static_cast<double>(m.rows * m.cols);
        EXPECT_NEAR(table.bits[at] - alone.bits[alone.position(i, c)],
                    16.0 * rank * static_cast<double>(m.rows + m.cols) / weights, 1e-12);
      }
    }
  }
}

TEST(RankAuto, MemoryCountsFactorsAsTheyAreTrained) {
  const TempDir dir;
  write_low_rank_model(dir / "model");
  QuantizeOptions options = auto_options(dir, "out");
  options.budget.bits = 0.0;
  options.budget.memory = 1;
  // The least possible is said, and then it is enough.
  const std::string message = auto_error(options);
  ASSERT_NE(message.find("too small"), std::string::npos) << message;
  const double needed = std::stod(message.substr(message.rfind("take ") + 5));
  options.budget.memory = static_cast<std::int64_t>(needed * 1024 * 1024);
  options.overwrite = true;
  EXPECT_EQ(auto_error(options), "no error");
  options.budget.memory += 20'000;
  const QuantizeReport report = run_auto(options);
  std::int64_t factors = 0;
  for (const MatrixReport& m : report.matrices) factors += m.rank * (m.rows + m.cols);
  EXPECT_LE(factors * 16, 20'000 + 1024 * 1024 / 10);
}

TEST(RankAuto, RefusalsSayWhatIsPossible) {
  const TempDir dir;
  write_low_rank_model(dir / "model");
  QuantizeOptions options = auto_options(dir, "out");
  options.budget.bits = 1.5;
  EXPECT_NE(auto_error(options).find("the least possible is"), std::string::npos) << auto_error(options);
  options.overwrite = true;
  options.rank_choices = parse_rank_choices("8,16");
  EXPECT_NE(auto_error(options).find("which alone exceed the budget"), std::string::npos)
      << auto_error(options);
  options.rank_choices = parse_rank_choices("8,17");
  EXPECT_NE(auto_error(options).find("k_proj"), std::string::npos) << auto_error(options);
  options = auto_options(dir, "other");
  options.budget.bits = 0.0;
  EXPECT_NE(auto_error(options).find("`bits` or `memory`"), std::string::npos) << auto_error(options);

  options = auto_options(dir, "third");
  io_test::put_file(dir / "allocation.json",
                    R"({"rank": 8, "choices": {"model.layers.0.mlp.up_proj.weight": [2,8,"fp32",64,256]}})");
  options.budget.bits = 0.0;
  options.budget.allocation = dir / "allocation.json";
  EXPECT_NE(auto_error(options).find("made for one rank"), std::string::npos) << auto_error(options);
  io_test::put_file(dir / "allocation.json",
                    R"({"rank": "auto", "ranks": {"model.layers.0.mlp.up_proj.weight": 4},
                        "choices": {"model.layers.0.mlp.up_proj.weight": [2,8,"fp32",64,256]}})");
  options.rank_choices = parse_rank_choices("4");
  EXPECT_NE(auto_error(options).find("give `rank` auto"), std::string::npos) << auto_error(options);
}

}  // namespace
}  // namespace lq
