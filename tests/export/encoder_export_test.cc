// Encoders as transformers and PEFT read them.
#include <gtest/gtest.h>

#include "export/hf_export.h"
#include "formats/config_file.h"
#include "formats/peft_adapter.h"
#include "jobs/quantize_model.h"
#include "jobs/tiny_encoder.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

class EncoderExport : public testing::Test {
 protected:
  void pack(const char* golden) {
    QuantizeOptions options;
    options.model = tiny::put_encoder(dir_ / "model", golden);
    options.out = options_.model = dir_ / "packed";
    options.choice = FormatSet().uniform(4);
    options.decompose.rank = 2;
    quantize_model(context_, options);
    options_.out = dir_ / "hf";
  }
  io_test::TempDir dir_;
  ThreadPool pool_{1};
  NoProgress progress_;
  Context context_{pool_, progress_, 0, {}};
  HfExportOptions options_;
};

TEST_F(EncoderExport, ItsLowRankPartIsForNoNextToken) {
  pack("roberta_classes");
  EXPECT_EQ(PeftAdapterReader(options_.model / "adapter").config().task_type, "");
  options_.keep_adapter = true;
  export_hf(context_, options_);
  EXPECT_EQ(PeftAdapterReader(options_.out / "adapter").config().task_type, "");
}

// PEFT saves a head of two layers as one module, and asks for the whole of it.
TEST_F(EncoderExport, AKeptHeadIsOneModule) {
  pack("roberta_classes");
  options_.adapter = dir_ / "tuned";
  const auto golden = std::filesystem::path(test::source_dir()) / "tests/goldens/roberta_classes/adapter";
  std::filesystem::copy(golden, *options_.adapter);
  options_.keep_adapter = true;
  export_hf(context_, options_);
  const PeftConfig config = PeftAdapterReader(options_.out / "adapter").config();
  EXPECT_EQ(config.task_type, "SEQ_CLS");
  EXPECT_EQ(config.modules_to_save, std::vector<std::string>{"classifier"});
}

// A bare model's file may have the body's prefix or not; an adapter may too.
TEST_F(EncoderExport, NamesOfAKeptAdapterAreThoseOfTheClass) {
  pack("bert_bare");
  const PeftAdapterReader start(options_.model / "adapter");
  const auto named = dir_ / "named";
  std::filesystem::create_directories(named);
  std::vector<LoraSpec> specs;
  for (const LoraPair& p : start.pairs()) specs.push_back({"bert." + p.module, p.rank, p.in, p.out, p.alpha});
  PeftAdapterWriter writer(named, start.config(), specs);
  for (const LoraPair& p : start.pairs()) {
    writer.write("bert." + p.module, p.a.copy_f32().data<float>(), p.b.copy_f32().data<float>());
  }
  writer.finish();
  options_.adapter = named;
  options_.keep_adapter = true;
  EXPECT_EQ(export_hf(context_, options_).adapted, std::ssize(specs));
  const PeftAdapterReader kept(options_.out / "adapter");
  EXPECT_NE(kept.find("encoder.layer.0.output.dense"), nullptr) << "BertModel has no prefix";
}

// Transformers multiplies an untied head with the bias of its own.
TEST_F(EncoderExport, AHeadThatIsUntiedGetsItsBias) {
  pack("bert_masked");
  const auto adapter = dir_ / "head";
  std::filesystem::create_directories(adapter);
  const std::int64_t vocabulary = 89, width = 32;
  const std::string table = "bert.embeddings.word_embeddings";
  LoraSpec spec{table, 1, vocabulary, width, 1.0};
  spec.embedding = true;
  PeftAdapterWriter writer(adapter, {}, {spec});
  const std::vector<float> values(static_cast<std::size_t>(vocabulary), 0.5F);
  writer.write(table, values.data(), values.data());
  writer.finish();
  options_.adapter = adapter;
  export_hf(context_, options_);
  EXPECT_FALSE(load_config(options_.out).boolean_or("tie_word_embeddings", true));
  const CheckpointReader out(options_.out);
  const Tensor bias = out.at("cls.predictions.bias").copy_f32();
  const Tensor own = out.at("cls.predictions.decoder.bias").copy_f32();
  for (std::int64_t i = 0; i < vocabulary; ++i) ASSERT_EQ(own.data<float>()[i], bias.data<float>()[i]);
  EXPECT_NE(own.data<float>()[3], 0.0F);
}

}  // namespace
}  // namespace lq
