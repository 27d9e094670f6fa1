// quantize_model() whose result is GGUF files.
#include <gtest/gtest.h>

#include "base/option_error.h"
#include "export/gguf_model.h"
#include "formats/gguf/gguf_file.h"
#include "formats/gguf/gguf_metadata.h"
#include "formats/peft_adapter.h"
#include "jobs/options/quantize_options.h"
#include "jobs/quantize_model.h"

namespace lq {
namespace {

class QuantizeGgufTest : public testing::Test {
 protected:
  QuantizeGgufTest() {
    write_tiny_model(dir_ / "model");
    put_tiny_tokenizer(dir_ / "model");
    options_.model = dir_ / "model";
    options_.out = dir_ / "out";
    options_.selection.exclude = {"*down_proj*"};  // rows of 40
    open_.method.formats = {"gguf"};
    open_.config = "q4_0";
    options_.decompose.rank = 2;
  }
  std::vector<float> values(const TensorView& view) {
    const Tensor t = view.copy_f32();
    return {t.data<float>(), t.data<float>() + t.numel()};
  }
  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context context_{pool_, progress_, 0, {}};
  QuantizeOptions options_;
  QuantizeChoices open_;
};

TEST_F(QuantizeGgufTest, BaseAndLowRankPartAreTwoFiles) {
  settle(options_, open_);
  EXPECT_TRUE(options_.gguf.given);
  EXPECT_EQ(options_.formats.text(), "ggml");
  const QuantizeReport report = quantize_model(context_, options_);
  EXPECT_EQ(report.matrices.size(), 12U);
  const GgufFile file(dir_ / "out" / "model.gguf");
  for (const GgufFile::Tensor& t : file.tensors()) {
    const std::string& name = t.entry->name;
    const bool table = name == "token_embd.weight" || name == "output.weight";
    const ggml::GgmlType want = table ? ggml::GgmlType::kF16
                                : t.entry->shape.size() == 1 || name.find("ffn_down") != std::string::npos
                                    ? ggml::GgmlType::kF32
                                    : ggml::GgmlType::kQ4_0;
    EXPECT_EQ(t.entry->type, want) << name;
  }
  EXPECT_EQ(GgufMetadata(file.values(), "f").text("general.name"), "out");
  // This program has base and low-rank part back, rows of q in its own order.
  const CheckpointPtr base = Checkpoint::open(dir_ / "out" / "model.gguf");
  const PeftAdapterReader adapter(dir_ / "out" / "adapter");
  adapter.check_base(base->hash(pool_));
  const CheckpointPtr source = Checkpoint::open(options_.model);
  for (const char* module : {"model.layers.0.self_attn.q_proj", "model.layers.1.mlp.up_proj"}) {
    const std::string name = std::string(module) + ".weight";
    const std::vector<float> w = values(source->reader().at(name));
    const std::vector<float> q = values(base->reader().at(name));
    const LoraPair& pair = *adapter.find(module);
    const std::vector<float> a = values(pair.a), b = values(pair.b);
    double error = 0.0, alone = 0.0, norm = 0.0;
    for (std::int64_t i = 0; i < pair.out; ++i) {
      for (std::int64_t j = 0; j < pair.in; ++j) {
        const auto at = static_cast<std::size_t>(i * pair.in + j);
        double sum = q[at];
        for (std::int64_t r = 0; r < 2; ++r) {
          sum += pair.scaling * b[static_cast<std::size_t>(i * 2 + r)] *
                 a[static_cast<std::size_t>(r * pair.in + j)];
        }
        error += (w[at] - sum) * (w[at] - sum);
        alone += (w[at] - q[at]) * (w[at] - q[at]);
        norm += w[at] * w[at];
      }
    }
    EXPECT_LT(error, 0.02 * norm) << module;
    EXPECT_LT(error, alone) << module;
  }
  const GgufFile lora(dir_ / "out" / "adapter.gguf");
  EXPECT_EQ(lora.tensors().size(), 24U);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out" / ".work"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out" / "config.json"));
  EXPECT_TRUE(quantize_model(context_, options_).already_done);
}

TEST_F(QuantizeGgufTest, WithoutRankThereIsTheBaseAlone) {
  options_.decompose.rank = 0;
  options_.gguf.tables = ggml::GgmlType::kQ8_0;
  settle(options_, open_);
  quantize_model(context_, options_);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out" / "adapter"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out" / "adapter.gguf"));
  const GgufFile file(dir_ / "out" / "model.gguf");
  EXPECT_EQ(file.tensors()[0].entry->name, "token_embd.weight");
  EXPECT_EQ(file.tensors()[0].entry->type, ggml::GgmlType::kQ8_0);
}

TEST_F(QuantizeGgufTest, ABudgetChoosesATypeForEachMatrix) {
  open_.config = {};
  options_.budget.bits = 5.0;
  options_.decompose.rank = 0;
  settle(options_, open_);
  EXPECT_EQ(options_.quantizer.scales, ScaleMode::kSearch);
  const QuantizeReport report = quantize_model(context_, options_);
  EXPECT_LE(report.bits_per_weight(), 5.0 + 1e-9);
  EXPECT_GT(report.bits_per_weight(), 4.6);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out" / "model.gguf"));
}

TEST_F(QuantizeGgufTest, WhatCannotBeIsRefused) {
  QuantizeChoices both = open_;
  both.method.formats = {"gguf", "nf"};
  EXPECT_THROW(settle(options_, both), OptionError);
  settle(options_, open_);
  options_.selection.exclude = {};
  io_test::expect_error(ErrorCode::kUnsupported, {"down_proj", "rows of 40 weights"},
                        [&] { quantize_model(context_, options_); });
  std::filesystem::remove(dir_ / "model" / "tokenizer.json");
  options_.selection.exclude = {"*down_proj*"};
  options_.out = dir_ / "other";
  io_test::expect_error(ErrorCode::kNotFound, {"no tokenizer.json"},
                        [&] { quantize_model(context_, options_); });
  EXPECT_FALSE(std::filesystem::exists(options_.out)) << "refused before any work";
}

}  // namespace
}  // namespace lq
