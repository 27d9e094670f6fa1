#include "export/hf_export.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "export/packed_model.h"
#include "formats/config_file.h"
#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "jobs/quantize_model.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

class HfExportTest : public testing::Test {
 protected:
  HfExportTest() {
    write_tiny_model(dir_.path() / "model");
    QuantizeOptions options;
    options.model = dir_.path() / "model";
    options.out = dir_.path() / "packed";
    options.choice = FormatSet().uniform(2);
    options.decompose.rank = 4;
    quantize_model(context_, options);
    options_.model = options.out;
    options_.out = dir_.path() / "hf";
  }
  // Q + with * s B A of one matrix, in double.
  std::vector<double> expected(const std::string& module, double with) {
    const PackedCheckpoint packed(options_.model);
    const PackedMatrix q = packed.matrix(module + ".weight");
    std::vector<float> w(static_cast<std::size_t>(q.rows() * q.cols()));
    q.dequantize(pool_, w.data());
    const PeftAdapterReader adapter(options_.model / "adapter");
    const LoraPair& pair = *adapter.find(module);
    const Tensor a = pair.a.copy_f32();
    const Tensor b = pair.b.copy_f32();
    std::vector<double> sum(w.begin(), w.end());
    for (std::int64_t i = 0; i < pair.out; ++i) {
      for (std::int64_t j = 0; j < pair.in; ++j) {
        for (std::int64_t r = 0; r < pair.rank; ++r) {
          sum[static_cast<std::size_t>(i * pair.in + j)] += with * pair.scaling *
                                                            double{b.data<float>()[i * pair.rank + r]} *
                                                            double{a.data<float>()[r * pair.in + j]};
        }
      }
    }
    return sum;
  }
  void expect_weights(double with) {
    const CheckpointReader reader(options_.out);
    const std::string module = "model.layers.1.mlp.down_proj";
    const auto want = expected(module, with);
    const Tensor got = reader.at(module + ".weight").copy_f32();
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_NEAR(got.data<float>()[i], want[i], 1e-5 * (1.0 + std::abs(want[i])));
    }
  }
  TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context context_{pool_, progress_, 0, {}};
  HfExportOptions options_;
};

TEST_F(HfExportTest, MergesTheLowRankPart) {
  const HfExportReport report = export_hf(context_, options_);
  EXPECT_EQ(report.matrices, 14);
  EXPECT_EQ(report.adapted, 14);
  EXPECT_EQ(report.rounding_error, 0.0);  // the source is f32
  expect_weights(1.0);
  const JsonObject config = load_config(options_.out);
  EXPECT_FALSE(config.has("quantization_config"));
  EXPECT_TRUE(config.has("a_key_nobody_knows"));
  EXPECT_EQ(CheckpointReader(options_.out).tensors().size(), 21U);
  EXPECT_TRUE(export_hf(context_, options_).already_done);
}

TEST_F(HfExportTest, KeepsTheAdapterBesideQ) {
  options_.keep_adapter = true;
  export_hf(context_, options_);
  expect_weights(0.0);
  const PeftAdapterReader adapter(options_.out / "adapter");
  EXPECT_EQ(adapter.pairs().size(), 14U);
  adapter.check_base(CheckpointReader(options_.out).model_hash(pool_));
}

TEST_F(HfExportTest, LeavesTheAdapterOutWhenAsked) {
  options_.without_adapter = true;
  EXPECT_EQ(export_hf(context_, options_).adapted, 0);
  expect_weights(0.0);
}

TEST_F(HfExportTest, SaysWhatRoundingCosts) {
  options_.dtype = DType::kBf16;
  const HfExportReport report = export_hf(context_, options_);
  EXPECT_GT(report.rounding_error, 1e-4);
  EXPECT_LT(report.rounding_error, 0x1p-8);  // bf16 keeps 8 bits: half a unit is 2^-9 of the value
  EXPECT_EQ(CheckpointReader(options_.out).at("model.layers.0.mlp.up_proj.weight").dtype(), DType::kBf16);
}

// config.json says of which type the written weights are: whoever loads them by it gets them unrounded.
TEST_F(HfExportTest, ConfigNamesTheWrittenType) {
  struct Case {
    nlohmann::ordered_json before;  // the keys in the source's config.json
    std::optional<DType> asked;
    nlohmann::ordered_json after;
  };
  const Case cases[] = {
      {{{"dtype", "bfloat16"}}, DType::kF32, {{"dtype", "float32"}}},
      {{{"torch_dtype", "bfloat16"}}, DType::kF16, {{"torch_dtype", "float16"}}},
      {{{"dtype", "float16"}, {"torch_dtype", "float16"}},
       DType::kBf16,
       {{"dtype", "bfloat16"}, {"torch_dtype", "bfloat16"}}},
      {{}, DType::kBf16, {{"dtype", "bfloat16"}}},
      {{{"dtype", "bfloat16"}}, std::nullopt, {{"dtype", "float32"}}},  // the matrices were F32 before
  };
  const JsonObject packed = load_config(options_.model);
  for (const Case& c : cases) {
    JsonObject config = packed;
    for (const auto& [key, value] : c.before.items()) config.json()[key] = value;
    config.save(options_.model / "config.json");
    options_.dtype = c.asked;
    options_.out = dir_.path() / "typed";
    export_hf(context_, options_);
    const JsonObject written = load_config(options_.out);
    for (const char* key : {"dtype", "torch_dtype"}) {
      EXPECT_EQ(written.text_or(key, "none"), c.after.value(key, "none")) << c.before << key;
    }
    std::filesystem::remove_all(options_.out);
  }
}

TEST_F(HfExportTest, RefusesADenseModelAndAnAdapterOfAnotherBase) {
  HfExportOptions dense = options_;
  dense.model = dir_.path() / "model";
  EXPECT_THROW(export_hf(context_, dense), Error);
  QuantizeOptions other;
  other.model = dir_.path() / "model";
  other.out = dir_.path() / "other";
  other.decompose.rank = 4;
  quantize_model(context_, other);
  options_.adapter = other.out / "adapter";
  try {
    export_hf(context_, options_);
    FAIL();
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_NE(message.find(PackedCheckpoint(other.out).packed().model_hash), std::string::npos) << message;
    EXPECT_NE(message.find(PackedCheckpoint(options_.model).packed().model_hash), std::string::npos)
        << message;
  }
}

TEST(HfExport, MergesWholeWeightsOfTheAdapter) {
  PackedTinyModel tiny;
  tiny.write_tuned(tiny.dir / "tuned", tiny.packed_hash());
  HfExportOptions options;
  options.model = tiny.packed;
  options.adapter = tiny.dir / "tuned";
  options.out = tiny.dir / "merged";
  const HfExportReport report = export_hf(tiny.context, options);
  EXPECT_EQ(report.replaced, 1);
  EXPECT_EQ(report.adapted, 13);
  EXPECT_EQ(CheckpointReader(options.out).at("model.norm.weight").copy_f32().data<float>()[3], 1.5F);

  options.out = tiny.dir / "kept";
  options.keep_adapter = true;
  export_hf(tiny.context, options);
  EXPECT_EQ(CheckpointReader(options.out).at("model.norm.weight").copy_f32().data<float>()[3], 1.0F);
  const PeftAdapterReader kept(options.out / "adapter");
  ASSERT_EQ(kept.replaced().size(), 1U);
  EXPECT_EQ(kept.replaced().front().copy_f32().data<float>()[3], 1.5F);
}

TEST(HfExport, AHeadOfItsOwnUnties) {
  PackedTinyModel tiny;
  tiny.tie();

  const auto adapter = tiny.dir / "head";
  std::filesystem::create_directories(adapter);
  PeftWriterOptions peft;
  peft.replaced = {{"lm_head.weight", DType::kF32, {64, 32}}};
  PeftAdapterWriter peft_writer(adapter, {}, {{"model.layers.1.mlp.up_proj", 2, 32, 40, 2.0}}, peft);
  const std::vector<float> values(64 * 32, 0.75F);
  peft_writer.write("model.layers.1.mlp.up_proj", values.data(), values.data());
  peft_writer.write_replaced("lm_head.weight", values.data());
  peft_writer.finish();

  HfExportOptions options;
  options.model = tiny.packed;
  options.adapter = adapter;
  options.out = tiny.dir / "untied";
  EXPECT_EQ(export_hf(tiny.context, options).replaced, 1);
  EXPECT_FALSE(load_config(options.out).boolean_or("tie_word_embeddings", true));
  const CheckpointReader out(options.out);
  EXPECT_EQ(out.at("lm_head.weight").copy_f32().data<float>()[9], 0.75F);
  EXPECT_NE(out.at("model.embed_tokens.weight").copy_f32().data<float>()[9], 0.75F);
}

}  // namespace
}  // namespace lq
