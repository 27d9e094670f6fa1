// The whole grid of tasks on a tiny encoder: what it writes, that it goes on, and what it refuses.
#include "compare/glue.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "files/json_file.h"
#include "jobs/tiny_encoder.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;

class GlueTest : public testing::Test {
 protected:
  GlueTest() {
    tiny::put_encoder(dir_ / "model", "bert_masked");
    tiny::put_sst2(dir_ / "glue/SST-2");
    put_file(dir_ / "glue/CoLA/train.tsv",
             "s\t1\t\tthe film was good\ns\t0\t\tfilm the was\ns\t1\t\ta book is fine\ns\t0\t\tis a very\n");
    put_file(dir_ / "glue/CoLA/dev.tsv", "s\t1\t\tthe book was good\ns\t0\t\twas film\n");
  }
  static std::string recipe(const std::string& more = "", const std::string& loss = "task") {
    return "model = \"model\"\ntasks = [\"SST-2\", \"cola\"]\n"
           "methods = [\"full\", \"lora\", \"lq-fisher\"]\nbits = [3.5]\nrank = 2\n" +
           more + "[calibrate]\nloss = \"" + loss +
           "\"\nsamples = 8\n[finetune]\ndata = \"glue\"\nmax-steps = 3\nbatch-size = 4\nlr = 1e-3\n";
  }
  GlueReport run(const std::string& text) {
    return glue(ctx_, parse_glue_recipe(text, dir_ / "r.toml"), dir_ / "out");
  }
  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
};

TEST_F(GlueTest, MakesATableAndGoesOn) {
  const GlueReport report = run(recipe());
  EXPECT_EQ(report.runs, 6);
  EXPECT_EQ(report.computed, 6);
  EXPECT_EQ(report.table.tasks, (std::vector<std::string>{"sst2", "cola"}));
  for (std::size_t row = 0; row < 3; ++row) {
    const auto average = average_score(report.table, row);
    ASSERT_TRUE(average);
    EXPECT_NEAR(average->mean,
                (task_score(report.table, row, 0)->mean + task_score(report.table, row, 1)->mean) / 2, 1e-9);
  }
  const nlohmann::json json = read_json(dir_ / "out/table.json");
  EXPECT_EQ(json["rows"][2]["method"], "lq-fisher");
  EXPECT_NE(io_test::get_file(dir_ / "out/table.md")
                .find("| method | budget | bits | with low rank | SST-2 | CoLA |"),
            std::string::npos);
  EXPECT_NE(io_test::get_file(dir_ / "out/figure.svg").find("average score"), std::string::npos);
  // Statistics and bases by the task's own loss; a model that learnt whole is not kept.
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out/shared/statistics-sst2.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out/cells/cola/lq-fisher-3.5/base/config.json"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out/cells/cola/full/seed-0/model.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out/cells/cola/full/seed-0/lqlora.json"));
  const GlueReport again = run(recipe());
  EXPECT_EQ(again.computed, 0);
  EXPECT_EQ(glue_table_json(again.table), glue_table_json(report.table));
  // A recipe may gain seeds; of several rates the best by its score is taken.
  EXPECT_EQ(run(recipe("seeds = [0, 1]\n")).computed, 6);
}

TEST_F(GlueTest, OfSeveralRatesTheBestByItsScore) {
  std::string text = recipe();
  text.replace(text.find("lr = 1e-3"), 9, "lr = [1e-3, 2e-2]");
  text.replace(text.find("\"full\", \"lora\", \"lq-fisher\""), 27, "\"lora\"");
  const GlueReport report = run(text);
  EXPECT_EQ(report.computed, 4);
  const CompareRow& row = report.table.tables[0].rows[0];
  ASSERT_EQ(row.trials.size(), 2U);
  EXPECT_EQ(*row.runs[0].score, std::max(*row.trials[0].score, *row.trials[1].score));
}

TEST_F(GlueTest, RefusesBeforeTheWork) {
  const auto refused = [&](ErrorCode code, std::initializer_list<std::string_view> parts,
                           const std::string& from, const std::string& to) {
    std::string text = recipe();
    text.replace(text.find(from), from.size(), to);
    expect_error(code, parts, [&] { run(text); });
  };
  refused(ErrorCode::kInvalidArgument, {"r.toml", "tasks", "'squad'"}, "cola", "squad");
  refused(ErrorCode::kInvalidArgument, {"r.toml", "calibrate.loss", "text or task"}, "loss = \"task\"",
          "loss = \"labels\"");
  refused(ErrorCode::kInvalidArgument, {"r.toml", "calibrate.data"}, "samples = 8",
          "data = \"glue/CoLA/dev.tsv\"");
  refused(ErrorCode::kInvalidArgument, {"r.toml", "methods", "statistics"}, "loss = \"task\"",
          "loss = \"text\"");
  refused(ErrorCode::kNotFound, {"no train file of rte"}, "cola", "rte");
  const std::string quill = test::source_dir() + "/examples/models/quill";
  refused(ErrorCode::kUnsupported, {"quill", "needs an encoder"}, "model = \"model\"",
          "model = \"" + quill + "\"");
}

}  // namespace
}  // namespace lq
