#include "jobs/quantize_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "jobs/quantize_matrix.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

QuantizeOptions tiny_options(const std::filesystem::path& root, const char* out) {
  QuantizeOptions o;
  o.model = root / "model";
  o.out = root / out;
  o.choice = FormatSet().uniform(3);
  o.decompose.rank = 4;
  return o;
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

QuantizeReport run(const QuantizeOptions& options, int threads = 2) {
  ThreadPool pool(threads);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  return quantize_model(context, options);
}

TEST(QuantizeModel, ReportedErrorIsThatOfTheFilesWritten) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  QuantizeOptions options = tiny_options(dir.path(), "out");
  options.alpha = 16.0;  // a scaling of 4, which A and B must undo
  const QuantizeReport report = run(options);
  ASSERT_EQ(report.matrices.size(), 14U);
  const PackedCheckpoint packed(options.out);
  const CheckpointReader source(options.model);
  const PeftAdapterReader adapter(options.out / "adapter");
  EXPECT_EQ(adapter.base_hash(), packed.packed().model_hash);
  EXPECT_EQ(packed.config().json()["a_key_nobody_knows"].size(), 3U);
  ThreadPool pool(1);
  EXPECT_EQ(packed.reader().model_hash(pool), packed.packed().model_hash);
  std::int64_t bytes = 0;
  for (const MatrixReport& m : report.matrices) {
    const Tensor w = source.at(m.name).copy_f32();
    const PackedMatrix q = packed.matrix(m.name);
    bytes += q.storage_bytes();
    std::vector<float> restored(static_cast<std::size_t>(w.numel()));
    q.dequantize(pool, restored.data());
    const LoraPair* pair = adapter.find(m.name.substr(0, m.name.size() - 7));
    ASSERT_NE(pair, nullptr) << m.name;
    const Tensor a = pair->a.copy_f32();
    const Tensor b = pair->b.copy_f32();
    double error = 0.0;
    double norm = 0.0;
    for (std::int64_t i = 0; i < m.rows; ++i) {
      for (std::int64_t j = 0; j < m.cols; ++j) {
        double low = 0.0;
        for (std::int64_t r = 0; r < m.rank; ++r) {
          low += double{b.data<float>()[i * m.rank + r]} * double{a.data<float>()[r * m.cols + j]};
        }
        const double value = w.data<float>()[i * m.cols + j];
        const double e = value - restored[static_cast<std::size_t>(i * m.cols + j)] - pair->scaling * low;
        error += e * e;
        norm += value * value;
      }
    }
    EXPECT_NEAR(std::sqrt(error / norm), m.relative_error, 1e-5) << m.name;
    EXPECT_LT(m.relative_error, 0.2);
  }
  EXPECT_DOUBLE_EQ(report.bits_per_weight(),
                   8.0 * static_cast<double>(bytes) / static_cast<double>(report.weights()));
}

TEST(QuantizeModel, SameBytesOnAnyNumberOfThreads) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model", DType::kBf16);
  for (const int threads : {1, 2, 7})
    run(tiny_options(dir.path(), ("out" + std::to_string(threads)).c_str()), threads);
  for (const char* file : {"model.safetensors", "config.json", "adapter/adapter_model.safetensors"}) {
    const std::string one = bytes_of(dir.path() / "out1" / file);
    ASSERT_FALSE(one.empty()) << file;
    EXPECT_EQ(one, bytes_of(dir.path() / "out2" / file)) << file;
    EXPECT_EQ(one, bytes_of(dir.path() / "out7" / file)) << file;
  }
}

TEST(QuantizeModel, DenseTensorsStayAsTheyWere) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model", DType::kF16);
  run(tiny_options(dir.path(), "out"));
  const CheckpointReader source(dir.path() / "model");
  const PackedCheckpoint packed(dir.path() / "out");
  const auto dense = packed.dense_tensors();
  EXPECT_EQ(dense.size(), 3U + 4U);
  for (const TensorView* view : dense) {
    const TensorView& before = source.at(view->name());
    EXPECT_EQ(view->spec, before.spec);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(view->data), view->bytes),
              std::string(reinterpret_cast<const char*>(before.data), before.bytes));
  }
}

TEST(QuantizeModel, MethodsChoicesAndSelectionHold) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  QuantizeOptions options = tiny_options(dir.path(), "out");
  options.decompose.method = DecomposeMethod::kQlora;
  options.decompose.rank = 0;
  options.selection.include = {"*.mlp.*.weight"};
  options.selection.exclude = {"*layers.1*down*"};
  const QuantChoice two = FormatSet().choice_of("2,4,bf16,32,16", "test");
  options.choices["model.layers.0.mlp.up_proj.weight"] = two;
  const QuantizeReport report = run(options);
  EXPECT_EQ(report.matrices.size(), 5U);
  EXPECT_EQ(report.bits_per_weight(), report.bits_per_weight_with_low_rank());
  EXPECT_FALSE(std::filesystem::exists(options.out / "adapter"));
  const PackedCheckpoint packed(options.out);
  EXPECT_EQ(packed.matrix("model.layers.0.mlp.up_proj.weight").choice(), two);
  EXPECT_EQ(packed.matrix("model.layers.0.mlp.down_proj.weight").choice(), FormatSet().uniform(3));
}

TEST(QuantizeModel, LowRankLowersTheErrorOfEveryMatrix) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  QuantizeOptions plain = tiny_options(dir.path(), "plain");
  plain.decompose.method = DecomposeMethod::kQlora;
  plain.decompose.rank = 0;
  const QuantizeReport without = run(plain);
  const QuantizeReport with = run(tiny_options(dir.path(), "lq"));
  for (std::size_t i = 0; i < with.matrices.size(); ++i) {
    EXPECT_LT(with.matrices[i].relative_error, without.matrices[i].relative_error);
  }
}

TEST(QuantizeModel, SecondRunOfTheSameJobComputesNothingAndAnotherJobIsRefused) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  QuantizeOptions options = tiny_options(dir.path(), "out");
  const QuantizeReport first = run(options);
  const QuantizeReport second = run(options);
  EXPECT_FALSE(first.already_done);
  EXPECT_TRUE(second.already_done);
  EXPECT_EQ(first.relative_error(), second.relative_error());
  options.choice = FormatSet().uniform(2);
  EXPECT_THROW(run(options), Error);
  options.overwrite = true;
  EXPECT_FALSE(run(options).already_done);
}

TEST(QuantizeModel, StoppedRunGoesOnToTheSameBytes) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  run(tiny_options(dir.path(), "whole"));
  // Asks to stop once three matrices are finished.
  struct StopAfterThree final : Progress {
    std::atomic<bool> stop{false};
    int updates = 0;
    void begin(std::string_view, std::int64_t, std::string_view) override {}
    void update(std::int64_t, std::string_view detail) override {
      if (!detail.empty() && ++updates == 3) stop = true;
    }
    void end() override {}
    void note(std::string_view) override {}
  } progress;
  ThreadPool pool(1);
  Context context{pool, progress, 0, StopToken(&progress.stop)};
  const QuantizeOptions options = tiny_options(dir.path(), "out");
  EXPECT_THROW(quantize_model(context, options), Error);
  EXPECT_FALSE(std::filesystem::exists(options.out / "config.json"));
  EXPECT_TRUE(std::filesystem::exists(options.out / ".work"));
  run(options);
  EXPECT_FALSE(std::filesystem::exists(options.out / ".work"));
  EXPECT_EQ(bytes_of(options.out / "model.safetensors"),
            bytes_of(dir.path() / "whole" / "model.safetensors"));
  EXPECT_EQ(bytes_of(options.out / "adapter/adapter_model.safetensors"),
            bytes_of(dir.path() / "whole" / "adapter/adapter_model.safetensors"));
}

std::string error_of(const QuantizeOptions& options) {
  try {
    run(options);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(QuantizeModel, BadInputIsNamed) {
  const TempDir dir;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  write_tiny_model(dir.path() / "model", DType::kF32, &nan);
  const std::string message = error_of(tiny_options(dir.path(), "out"));
  EXPECT_NE(message.find("model.layers.1.self_attn.v_proj.weight"), std::string::npos) << message;
  EXPECT_NE(message.find("[0, 5]"), std::string::npos) << message;

  QuantizeOptions rank = tiny_options(dir.path(), "out2");
  rank.decompose.rank = 17;
  const std::string rank_message = error_of(rank);
  EXPECT_NE(rank_message.find("17"), std::string::npos) << rank_message;
  EXPECT_NE(rank_message.find("k_proj"), std::string::npos) << rank_message;
  EXPECT_FALSE(std::filesystem::exists(rank.out));

  QuantizeOptions pattern = tiny_options(dir.path(), "out3");
  pattern.selection.include = {"*nothing*"};
  EXPECT_NE(error_of(pattern).find("*nothing*"), std::string::npos);

  QuantizeOptions same = tiny_options(dir.path(), "model");
  EXPECT_NE(error_of(same).find("model"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(dir.path() / "model" / "model.safetensors"));
}

TEST(QuantizeModel, NeedIsStatedBeforehand) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  const QuantizeOptions options = tiny_options(dir.path(), "out");
  const QuantizeNeed need = quantize_need(options, 2);
  EXPECT_EQ(need.matrices, 14);
  const QuantizeReport report = run(options);
  EXPECT_EQ(need.weights, report.weights());
  // JSON headers, config and the like come on top.
  EXPECT_NEAR(static_cast<double>(need.output_bytes), static_cast<double>(report.output_bytes), 32.0 * 1024);
}

}  // namespace
}  // namespace lq
