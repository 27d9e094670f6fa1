#include "compare/report.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    std::filesystem::create_directories(dir_ / "packed");
    io_test::put_file(dir_ / "packed/lqlora.json", R"({"job": {"verb": "quantize"}, "report": {
        "bits_per_weight": 3.125, "method": "lq<", "output_bytes": 2097152, "matrices": [
        {"name": "model.layers.3.mlp.up_proj.weight", "rows": 8, "cols": 16, "config": "tcq 3,12,64", "rank": 2,
         "relative_error": 0.25, "storage_bytes": 50}]}})");
    std::filesystem::create_directories(dir_ / "adapter");
    io_test::put_file(dir_ / "adapter/lqlora.json",
                      R"({"job": {"verb": "finetune"}, "report": {"steps": 2, "final_loss": 1.5}})");
    io_test::put_file(dir_ / "adapter/log.jsonl",
                      "{\"step\": 0, \"validation_loss\": 2.5}\n{\"step\": 1, \"loss\": 2.0}\n");
    std::filesystem::create_directories(dir_ / "grid");
    io_test::put_file(dir_ / "grid/table.json", "{}");
    io_test::put_file(
        dir_ / "grid/table.md",
        "# Held out\n\n| method | KL |\n|---|---:|\n| ours <b> | 0.5 |\n\n![x](figure.svg)\nRemark.\n");
    io_test::put_file(dir_ / "grid/figure.svg", "<svg/>");
    io_test::put_file(dir_ / "scores.json",
                      R"({"arc_easy": {"acc": 0.515, "acc_stderr": 0.0354, "convention": "x"}})");
    io_test::put_file(dir_ / "harness.json",
                      R"({"config": {}, "results": {"piqa": {"acc,none": 0.6, "acc_stderr,none": 0.01}}})");
  }
  std::string page(const std::vector<std::string>& names) {
    ReportOptions o{{}, dir_ / "r.html"};
    for (const std::string& name : names) o.runs.push_back(dir_ / name);
    kinds_.clear();
    for (const ReportedRun& run : write_report(o)) kinds_.push_back(run.kind);
    return io_test::get_file(dir_ / "r.html");
  }
  std::string error_of(const std::string& name) {
    try {
      page({name});
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }

  io_test::TempDir dir_;
  std::vector<std::string> kinds_;
};

TEST_F(ReportTest, HasASectionForEachRun) {
  const std::string text = page({"packed", "adapter", "grid", "scores.json", "harness.json"});
  EXPECT_EQ(kinds_, (std::vector<std::string>{"quantize", "finetune", "comparison", "scores", "scores"}));
  for (const char* part :
       {"<tr><td>bits_per_weight</td><td>3.125</td></tr>", "<tr><td>method</td><td>lq&lt;</td></tr>",
        "<tr><td>output_bytes</td><td>2.0 MiB</td></tr>", "model.layers.3.mlp.up_proj.weight: 3.125 bits",
        "model.layers.3.mlp.up_proj.weight: relative error 0.2500", "<summary>1 matrices</summary>",
        ">mlp.up_proj</text>", "<tr><td>final_loss</td><td>1.5</td></tr>", "<circle", "<p>Held out</p>",
        "<tr><th>method</th><th>KL</th></tr>", "<tr><td>ours &lt;b&gt;</td><td>0.5</td></tr>",
        "<p>Remark.</p>", "data:image/svg+xml,%3Csvg%2F%3E",
        "<tr><td>arc_easy</td><td>acc</td><td>0.515</td><td>0.0354</td></tr>",
        "<tr><td>piqa</td><td>acc,none</td><td>0.6</td><td>0.01</td></tr>"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(text.find("http://"), text.find("http://www.w3.org/2000/svg"));  // names, no page is loaded
}

TEST_F(ReportTest, WhatIsNoRunIsRefusedBeforeAnythingIsWritten) {
  EXPECT_NE(error_of("none").find("none: there is nothing"), std::string::npos);
  std::filesystem::create_directories(dir_ / "empty");
  EXPECT_NE(error_of("empty").find("no output of quantize, finetune, compare or glue"), std::string::npos);
  io_test::put_file(dir_ / "empty/lqlora.json", R"({"job": {"verb": "export"}, "report": {}})");
  EXPECT_NE(error_of("empty").find("made by export, which is not reported"), std::string::npos);
  io_test::put_file(dir_ / "list.json", "[1]");
  EXPECT_NE(error_of("list.json"), "none");
  io_test::put_file(dir_ / "flat.json", R"({"a": 1})");
  EXPECT_NE(error_of("flat.json").find("holds no scores of eval"), std::string::npos);
  io_test::put_file(dir_ / "packed/lqlora.json",
                    R"({"job": {"verb": "quantize"}, "report": {"matrices": [{"name": 3}]}})");
  EXPECT_NE(error_of("packed").find("matrices[0].name"), std::string::npos);
  io_test::put_file(dir_ / "adapter/log.jsonl", "{\"step\": 0, \"lo");
  EXPECT_NE(error_of("adapter").find("log.jsonl:1: is no whole line of JSON"), std::string::npos);
  std::filesystem::create_directories(dir_ / "begun/.work");
  EXPECT_NE(error_of("begun").find("begun: an unfinished run"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "r.html"));
}

}  // namespace
}  // namespace lq
