#include "export/gguf_export.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "export/gguf_model.h"
#include "export/packed_model.h"
#include "formats/gguf/gguf_checkpoint.h"
#include "models/registry.h"
#include "tokenizers/tokenizer.h"

namespace lq {
namespace {

using io_test::expect_error;

class GgufExportTest : public testing::Test {
 protected:
  GgufExportTest() {
    put_tiny_tokenizer(tiny_.dense);
    put_tiny_tokenizer(tiny_.packed);
  }
  std::vector<float> values(const Checkpoint& model, const std::string& name) {
    const Tensor t = model.reader().at(name).copy_f32();
    return {t.data<float>(), t.data<float>() + t.numel()};
  }
  PackedTinyModel tiny_;
  std::filesystem::path out_ = tiny_.dir / "model.gguf";
};

TEST_F(GgufExportTest, ADenseModelComesBackAsItWas) {
  const GgufExportReport report = export_gguf(tiny_.context, {.model = tiny_.dense, .out = out_});
  EXPECT_EQ(report.tensors, 21);
  EXPECT_EQ(report.adapted, 0);
  EXPECT_EQ(report.rounding_error, 0.0);
  EXPECT_EQ(report.output_bytes, static_cast<std::int64_t>(std::filesystem::file_size(out_)));
  const CheckpointPtr want = Checkpoint::open(tiny_.dense);
  const CheckpointPtr have = Checkpoint::open(out_);
  ASSERT_EQ(have->reader().tensors().size(), want->reader().tensors().size());
  for (const TensorView& view : want->reader().tensors()) {
    EXPECT_EQ(values(*have, view.name()), values(*want, view.name())) << view.name();
  }
  const ModelSpec a = model_spec(have->config());
  const ModelSpec b = model_spec(want->config());
  EXPECT_EQ(a.blocks, b.blocks);
  EXPECT_EQ(a.max_positions, b.max_positions);
  EXPECT_EQ(Tokenizer::load(have->folder())->encode("abab", true), (std::vector<std::int32_t>{2, 2}));
  EXPECT_FALSE(std::filesystem::exists(tiny_.dir / "model.gguf.work"));
  // Written again over a GGUF file, but over nothing else.
  export_gguf(tiny_.context, {.model = tiny_.dense, .out = out_});
  io_test::put_file(tiny_.dir / "notes.txt", "mine");
  expect_error(ErrorCode::kInvalidArgument, {"notes.txt"},
               [&] { export_gguf(tiny_.context, {.model = tiny_.dense, .out = tiny_.dir / "notes.txt"}); });
}

TEST_F(GgufExportTest, TheLowRankPartIsMerged) {
  const std::string name = "model.layers.1.self_attn.q_proj";
  const GgufExportReport report = export_gguf(tiny_.context, {.model = tiny_.packed, .out = out_});
  EXPECT_EQ(report.adapted, 14);
  const std::vector<float> with = values(*Checkpoint::open(out_), name + ".weight");
  export_gguf(tiny_.context, {.model = tiny_.packed, .without_adapter = true, .out = out_});
  const std::vector<float> alone = values(*Checkpoint::open(out_), name + ".weight");
  const std::vector<double> added =
      PackedTinyModel::product(PeftAdapterReader(tiny_.packed / "adapter"), name, 32, 32);
  for (std::size_t i = 0; i < with.size(); ++i) {
    ASSERT_NEAR(with[i], alone[i] + added[i], 1e-5 * (1.0 + std::abs(with[i])));
  }
  tiny_.write_tuned(tiny_.dir / "tuned", tiny_.packed_hash());
  const GgufExportReport tuned =
      export_gguf(tiny_.context, {.model = tiny_.packed, .adapter = tiny_.dir / "tuned", .out = out_});
  EXPECT_EQ(tuned.adapted, 13);
  EXPECT_EQ(tuned.replaced, 1);
  EXPECT_EQ(values(*Checkpoint::open(out_), "model.norm.weight"), tiny_.norm);
}

TEST_F(GgufExportTest, AnAdapterOfADenseModelIsMerged) {
  ThreadPool pool(1);
  tiny_.write_tuned(tiny_.dir / "tuned", Checkpoint::open(tiny_.dense)->hash(pool));
  const GgufExportReport report =
      export_gguf(tiny_.context, {.model = tiny_.dense, .adapter = tiny_.dir / "tuned", .out = out_});
  EXPECT_EQ(report.adapted, 13);
  tiny_.write_tuned(tiny_.dir / "tuned", tiny_.packed_hash());
  expect_error(ErrorCode::kMismatch, {tiny_.packed_hash()}, [&] {
    export_gguf(tiny_.context, {.model = tiny_.dense, .adapter = tiny_.dir / "tuned", .out = out_});
  });
}

TEST_F(GgufExportTest, TypesOfMatricesAndTables) {
  using ggml::GgmlType;
  export_gguf(tiny_.context, {.model = tiny_.dense, .types = {GgmlType::kQ8_0, GgmlType::kF16}, .out = out_});
  const GgufFile file(out_);
  for (const GgufFile::Tensor& t : file.tensors()) {
    const std::string& name = t.entry->name;
    const GgmlType want = t.entry->shape.size() == 1                               ? GgmlType::kF32
                          : name == "token_embd.weight" || name == "output.weight" ? GgmlType::kF16
                          : name.find("ffn_down") != std::string::npos ? GgmlType::kF16  // rows of 40
                                                                       : GgmlType::kQ8_0;
    EXPECT_EQ(t.entry->type, want) << name;
  }
  const GgufMetadata keys(file.values(), "f");
  EXPECT_EQ(keys.integer("general.file_type", 0, 99), 7);
  const CheckpointPtr have = Checkpoint::open(out_);
  const CheckpointPtr want = Checkpoint::open(tiny_.dense);
  const auto x = values(*have, "model.layers.0.self_attn.k_proj.weight");
  const auto y = values(*want, "model.layers.0.self_attn.k_proj.weight");
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], y[i], 0.02);
}

TEST_F(GgufExportTest, ATiedHeadThatIsChangedAloneGetsATensorOfItsOwn) {
  tiny_.tie();
  export_gguf(tiny_.context, {.model = tiny_.packed, .out = out_});
  EXPECT_EQ(Checkpoint::open(out_)->reader().find("lm_head.weight"), nullptr);
  EXPECT_TRUE(Checkpoint::open(out_)->config().boolean("tie_word_embeddings"));
}

}  // namespace
}  // namespace lq
