// A task learnt by a tiny encoder: scores, files, and what is refused.
#include "jobs/finetune_task.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "eval/label_outputs.h"
#include "files/json_file.h"
#include "formats/peft_adapter.h"
#include "jobs/tiny_encoder.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::get_file;
using io_test::put_file;

class FinetuneTaskTest : public testing::Test {
 protected:
  FinetuneTaskTest() {
    options_.model = tiny::put_encoder(dir_ / "model");
    tiny::put_sst2(dir_ / "glue/SST-2");
    options_.task = "sst2";
    options_.data.train = {{dir_ / "glue"}};
    options_.data.examples.max_length = 40;
    options_.out = dir_ / "out";
    options_.lora.rank = 4;
    options_.train.batch.rows = 8;
    options_.train.lr = 5e-3;
    options_.train.max_steps = 60;
  }
  FinetuneReport run(const FinetuneOptions& o) { return finetune_any(ctx_, o); }

  io_test::TempDir dir_;
  FinetuneOptions options_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 3, {}};
};

// A classifier that has learnt the labels by other numbers is scored, and taught, by their names.
TEST_F(FinetuneTaskTest, LabelsKeepTheClassifiersOrder) {
  options_.full = true;
  options_.lora = {};
  const double learnt = run(options_).task.at("validation").at("accuracy").get<double>();
  EXPECT_GE(learnt, 0.9);
  auto config = nlohmann::ordered_json::parse(get_file(options_.out / "config.json"));
  EXPECT_EQ(config["id2label"], nlohmann::ordered_json({{"0", "0"}, {"1", "1"}}));
  config["id2label"] = {{"0", "1"}, {"1", "0"}};
  config["num_labels"] = 2;
  put_file(options_.out / "config.json", config.dump());
  FinetuneOptions again = options_;
  again.model = options_.out;
  again.out = dir_ / "again";
  again.train.max_steps = 1;
  again.train.lr = 1e-12;
  const FinetuneReport report = run(again);
  EXPECT_NEAR(report.task.at("validation").at("accuracy").get<double>(), 1.0 - learnt, 1e-9);
  EXPECT_GT(*report.training.state.validation_loss, 1.0) << "it learns by the same order";
  EXPECT_EQ(get_file(again.out / "predictions/SST-2.tsv"), "index\tprediction\n0\t0\n1\t1\n");
  const auto written = nlohmann::ordered_json::parse(get_file(again.out / "config.json"));
  EXPECT_EQ(written["id2label"], config["id2label"]);
  EXPECT_FALSE(written.contains("num_labels")) << "transformers would take it in place of the names";
}

TEST_F(FinetuneTaskTest, OptionsOfOtherDataAreRefused) {
  options_.data.examples.drop_long = true;
  expect_error(ErrorCode::kInvalidArgument, {"drop-long and `task` exclude each other"},
               [&] { run(options_); });
}

TEST_F(FinetuneTaskTest, AnAdapterAndItsHeadLearnTheTask) {
  const FinetuneReport report = run(options_);
  EXPECT_EQ(report.examples, 48);
  EXPECT_EQ(report.validation_examples, 16);
  EXPECT_GE(report.task.at("validation").at("accuracy").get<double>(), 0.9);
  EXPECT_LT(*report.training.state.validation_loss, *report.training.state.first_validation_loss);
  EXPECT_EQ(get_file(options_.out / "predictions/SST-2.tsv"), "index\tprediction\n0\t1\n1\t0\n");
  EXPECT_TRUE(std::filesystem::exists(options_.out / "predictions/validation-SST-2.tsv"));

  const PeftAdapterReader adapter(options_.out);
  EXPECT_EQ(adapter.config().task_type, "SEQ_CLS");
  EXPECT_EQ(adapter.config().modules_to_save, (std::vector<std::string>{"classifier", "bert.pooler.dense"}));
  EXPECT_EQ(adapter.config().bias, "none");
  // The same outputs when it is loaded again.
  Model model = Model::load(ctx_, options_.model, {.adapter = options_.out, .labels = LabelSpec{2, false}});
  EXPECT_TRUE(model.fresh().empty());
  const TaskData data = read_task_data(ctx_, model.checkpoint(), options_);
  const auto again = score_task(ctx_, model, data, dir_ / "again");
  EXPECT_EQ(again.at("validation"), report.task.at("validation"));
  EXPECT_TRUE(run(options_).already_done);
}

TEST_F(FinetuneTaskTest, AWholeModelLearnsItToo) {
  options_.model = tiny::put_encoder(dir_ / "bare", "bert_bare");
  options_.full = true;
  options_.lora = {};
  options_.train.lr = 2e-3;
  const FinetuneReport report = run(options_);
  EXPECT_GE(report.task.at("validation").at("accuracy").get<double>(), 0.9);
  const nlohmann::json config = read_json(options_.out / "config.json");
  EXPECT_EQ(config["architectures"][0], "BertForSequenceClassification");
  EXPECT_EQ(config["id2label"]["1"], "1");
  // Hugging Face's class has its body behind "bert."
  const Model model = Model::load(ctx_, options_.out);
  EXPECT_EQ(model.names().module(Role::kQ, 0), "bert.encoder.layer.0.attention.self.query");
  ASSERT_NE(model.label_head(), nullptr);
  const TaskData data = read_task_data(ctx_, model.checkpoint(), options_);
  const auto again = score_task(ctx_, model, data, dir_ / "again");
  EXPECT_EQ(again.at("validation").at("accuracy"), report.task.at("validation").at("accuracy"));
}

TEST_F(FinetuneTaskTest, ABareCheckpointsAdapterNamesThePrefix) {
  options_.model = tiny::put_encoder(dir_ / "bare", "bert_bare");
  options_.train.max_steps = 2;
  run(options_);
  const PeftAdapterReader adapter(options_.out);
  EXPECT_EQ(adapter.config().modules_to_save, std::vector<std::string>{"classifier"});
  EXPECT_TRUE(adapter.pairs().front().module.starts_with("bert.encoder.layer.0."));
  const Model model =
      Model::load(ctx_, options_.model, {.adapter = options_.out, .labels = LabelSpec{2, false}});
  EXPECT_TRUE(model.fresh().empty());
}

TEST_F(FinetuneTaskTest, APoolerThatTheCheckpointBroughtLearnsWhenAsked) {
  options_.model = tiny::put_encoder(dir_ / "bare", "bert_bare");
  options_.lora.whole = {"pooler"};
  const FinetuneReport report = run(options_);
  EXPECT_GE(report.task.at("validation").at("accuracy").get<double>(), 0.9);
  const PeftAdapterReader adapter(options_.out);
  EXPECT_EQ(adapter.config().modules_to_save, (std::vector<std::string>{"classifier", "bert.pooler.dense"}));
  const LabelSpec labels{2, false};
  Model before = Model::load(ctx_, options_.model, {.labels = labels});
  Model model = Model::load(ctx_, options_.model, {.adapter = options_.out, .labels = labels});
  const auto pooler = [](Model& m) {
    const Tensor& t = m.label_head()->dense().weight().parameter()->value;
    return std::vector<float>(t.data<float>(), t.data<float>() + t.numel());
  };
  EXPECT_NE(pooler(model), pooler(before));
  const TaskData data = read_task_data(ctx_, model.checkpoint(), options_);
  const auto again = score_task(ctx_, model, data, dir_ / "again");
  EXPECT_EQ(again.at("validation"), report.task.at("validation"));
}

TEST_F(FinetuneTaskTest, AnEncodersNormsLearnWithTheirBiases) {
  options_.lora.whole = {"norms"};
  options_.train.max_steps = 5;
  const FinetuneReport report = run(options_);
  const PeftAdapterReader adapter(options_.out);
  EXPECT_EQ(adapter.config().modules_to_save,
            (std::vector<std::string>{"classifier", "bert.pooler.dense", "LayerNorm"}));
  EXPECT_EQ(adapter.config().bias, "none");
  const LabelSpec labels{2, false};
  Model before = Model::load(ctx_, options_.model, {.labels = labels});
  Model model = Model::load(ctx_, options_.model, {.adapter = options_.out, .labels = labels});
  std::int64_t norms = 0;
  for (const Parameter* p : model.parameters()) {
    if (p->name.find("LayerNorm") == std::string::npos) continue;
    ++norms;
    const Tensor& was = before.find_parameter(p->name)->value;
    EXPECT_NE(std::memcmp(p->value.raw(), was.raw(), p->value.bytes()), 0) << p->name;
  }
  // Two a block and that of the embeddings, each a weight and a bias.
  EXPECT_EQ(norms, 2 * (2 * model.spec().layers() + 1));
  const TaskData data = read_task_data(ctx_, model.checkpoint(), options_);
  const auto again = score_task(ctx_, model, data, dir_ / "again");
  EXPECT_EQ(again.at("validation"), report.task.at("validation"));
}

TEST_F(FinetuneTaskTest, LongExamplesAreCutAndCounted) {
  options_.data.examples.max_length = 6;
  options_.train.max_steps = 1;
  const FinetuneReport report = run(options_);
  // "the book is very poor" and its kind have two special tokens beside five.
  EXPECT_GT(report.truncated, 0);
  EXPECT_EQ(report.task.at("truncated").get<std::int64_t>(), report.truncated);
  EXPECT_EQ(report.task.at("max_length").get<std::int64_t>(), 6);
}

TEST_F(FinetuneTaskTest, RefusesWhatIsNotForIt) {
  const auto refused = [&](ErrorCode code, std::initializer_list<std::string_view> parts,
                           const auto& change) {
    FinetuneOptions o = options_;
    change(o);
    expect_error(code, parts, [&] { run(o); });
  };
  const auto quill = std::filesystem::path(test::source_dir()) / "examples" / "models" / "quill";
  refused(ErrorCode::kUnsupported, {"quill", "sst2 needs an encoder", "decoder"},
          [&](FinetuneOptions& o) { o.model = quill; });
  refused(ErrorCode::kUnsupported, {"model", "an encoder", "name a `task`"},
          [&](FinetuneOptions& o) { o.task.clear(); });
  refused(ErrorCode::kInvalidArgument, {"'sst3' is not a task of GLUE"},
          [](FinetuneOptions& o) { o.task = "sst3"; });
  refused(ErrorCode::kNotFound, {"no train file of rte"}, [](FinetuneOptions& o) { o.task = "rte"; });
  refused(ErrorCode::kInvalidArgument, {"val-share"},
          [](FinetuneOptions& o) { o.data.examples.validation = 0.1; });
  put_file(dir_ / "same/train.tsv", "sentence\tlabel\na film\t1\na book\t1\n");
  refused(ErrorCode::kInvalidArgument, {"all 2 examples have the label 1"},
          [&](FinetuneOptions& o) { o.data.train = {{dir_ / "same"}}; });
}

}  // namespace
}  // namespace lq
