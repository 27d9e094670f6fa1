// `quantize --bits` as a user runs it: calibrate, sweep, allocate and decompose in one go, resumed after
// kills.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "e2e/run_program.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

using io_test::TempDir;

std::string text() { return std::string("'") + lq::test::source_dir() + "/examples/texts/held_out.txt'"; }

// Two blocks' worth of matrices and few configurations: the whole chain in seconds.
std::string small_chain() {
  return "quantize " + quill() + " --bits 2.75 --rank 8 --weights kfac --seq-len 128 --samples 8 --data " +
         text() +
         " --include '*layers.0.*proj*' '*layers.3.self_attn*'"
         " --configs 2,2,fp16,64,256 2,4,fp16,16,256 3,3,fp16,64,256 4,4,fp16,32,64";
}

std::string files_of(const std::filesystem::path& out) {
  std::string all;
  for (const char* name : {"config.json", "model.safetensors", "lqlora.json",
                           "adapter/adapter_model.safetensors", "adapter/adapter_config.json"}) {
    const std::string bytes = io_test::get_file(out / name);
    EXPECT_FALSE(bytes.empty()) << name;
    all += bytes;
  }
  return all;
}

TEST(BudgetE2e, WholeChainTwiceWithTheSameBytes) {
  const TempDir dir;
  const Outcome run = lqlora("--json - " + small_chain() + " -o " + (dir / "a").string());
  ASSERT_EQ(run.code, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_LE(json["bits_per_weight"].get<double>(), 2.75);
  EXPECT_GT(json["bits_per_weight"].get<double>(), 2.6);
  EXPECT_EQ(json["weights"], "kfac");
  EXPECT_EQ(json["feedback"], "on");
  EXPECT_GE(json["allocation"]["objective"].get<double>(), json["allocation"]["bound"].get<double>());
  ASSERT_EQ(lqlora("--threads 1 " + small_chain() + " -o " + (dir / "b").string()).code, 0);
  EXPECT_EQ(files_of(dir / "a"), files_of(dir / "b"));
  EXPECT_FALSE(std::filesystem::exists(dir / "a/.work"));
}

TEST(BudgetE2e, KilledAtAnyMomentTheSameCommandEndsWithTheSameBytes) {
  const TempDir dir;
  ASSERT_EQ(lqlora(small_chain() + " -o " + (dir / "whole").string()).code, 0);
  const std::string command = program() + " " + small_chain() + " -o " + (dir / "killed").string();
  int kills = 0;
  for (const char* seconds : {"0.15", "0.4", "0.8", "1.3", "2.1"}) {
    const int code = shell("timeout -s KILL " + std::string(seconds) + " " + command).code;
    if (code == 0) break;
    ++kills;
    EXPECT_FALSE(std::filesystem::exists(dir / "killed/config.json"));
  }
  EXPECT_GT(kills, 0);
  ASSERT_EQ(shell(command).code, 0);
  EXPECT_EQ(files_of(dir / "whole"), files_of(dir / "killed"));
}

TEST(BudgetE2e, StagesByHandGiveTheSameModel) {
  const TempDir dir;
  const std::string stats = (dir / "stats.safetensors").string();
  const std::string table = (dir / "table.json.gz").string();
  const std::string choice = (dir / "allocation.json").string();
  const std::string some = " --include '*layers.0.*proj*' --configs 2,2,fp16,64,256 3,3,fp16,64,256";
  ASSERT_EQ(
      lqlora("calibrate " + quill() + " --seq-len 128 --samples 8 --data " + text() + " -o " + stats).code,
      0);
  ASSERT_EQ(lqlora("sweep " + quill() + " --rank 8 --stats " + stats + some + " -o " + table).code, 0);
  ASSERT_EQ(lqlora("allocate " + table + " --bits 2.6 -o " + choice).code, 0);
  ASSERT_EQ(lqlora("allocate " + table + " --bits 2.6 -o " + choice).code, 0) << "in place of an allocation";
  io_test::put_file(dir / "notes.txt", "mine");
  EXPECT_EQ(lqlora("allocate " + table + " --bits 2.6 -o " + (dir / "notes.txt").string()).code, 1);
  EXPECT_EQ(io_test::get_file(dir / "notes.txt"), "mine");
  const std::string flags =
      "quantize " + quill() + " --rank 8 --stats " + stats + " --include '*layers.0.*proj*'";
  const Outcome by_hand = lqlora(flags + " --allocation " + choice + " -o " + (dir / "a").string());
  ASSERT_EQ(by_hand.code, 0) << by_hand.errors;
  ASSERT_EQ(lqlora(flags + " --bits 2.6 --table " + table + " -o " + (dir / "b").string()).code, 0);
  EXPECT_EQ(io_test::get_file(dir / "a/model.safetensors"), io_test::get_file(dir / "b/model.safetensors"));
}

TEST(BudgetE2e, RanksAreChosenAndTheirFactorsCounted) {
  const TempDir dir;
  const std::string chain = "quantize " + quill() +
                            " --bits 3 --rank auto --weights kfac --seq-len 128 --samples 8 --data " +
                            text() +
                            " --include '*layers.0.self_attn*' '*layers.3.self_attn*'"
                            " --configs 2,2,fp16,64,256 3,3,fp16,64,256 4,4,fp16,32,64";
  const Outcome run = lqlora("--json - " + chain + " -o " + (dir / "a").string());
  ASSERT_EQ(run.code, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_LE(json["bits_per_weight_with_low_rank"].get<double>(), 3.0);
  EXPECT_GT(json["bits_per_weight_with_low_rank"].get<double>(), 2.8);
  EXPECT_EQ(json["factors"], "bf16");
  ASSERT_EQ(lqlora("--threads 1 " + chain + " -o " + (dir / "b").string()).code, 0);
  EXPECT_EQ(files_of(dir / "a"), files_of(dir / "b"));
  const Outcome seen = lqlora("inspect " + (dir / "a").string());
  EXPECT_NE(seen.out.find("with low rank"), std::string::npos) << seen.out;
  // Every verb takes such a model: matrices of several ranks, some of none.
  const Outcome tried =
      lqlora("eval " + (dir / "a").string() + " --tasks perplexity --seq-len 128 --data " + text());
  EXPECT_EQ(tried.code, 0) << tried.errors;
}

void expect_refusal(const std::string& arguments, int code, std::initializer_list<std::string> parts) {
  const Outcome run = lqlora("--quiet " + arguments);
  EXPECT_EQ(run.code, code) << arguments << run.errors;
  for (const std::string& part : parts)
    EXPECT_NE(run.errors.find(part), std::string::npos) << part << " not in " << run.errors;
}

TEST(BudgetE2e, BadBudgetsGetOneLine) {
  const TempDir dir;
  const std::string any_rank =
      "quantize " + quill() + " --include '*layers.0.*proj*' -o " + (dir / "o").string();
  const std::string start = any_rank + " --rank 8";
  const std::string few = " --configs 2,2,fp16,64,256 3,3,fp16,64,256";
  expect_refusal(start + few + " --bits 1.5", 1, {"least possible", "2.0"});
  expect_refusal(any_rank + few + " --rank 32,64 --bits 3", 1, {"least possible", "alone exceed"});
  expect_refusal(any_rank + few + " --rank auto --bits 1.5", 1, {"least possible", "low-rank factors"});
  expect_refusal(any_rank + " --rank auto", 1, {"--bits"});
  expect_refusal(any_rank + " --rank auto --method qlora --bits 3", 1, {"qlora"});
  expect_refusal(any_rank + " --rank some --bits 3", 1, {"--rank some"});
  expect_refusal(start + " --memory 1MB" + few, 1, {"memory"});
  expect_refusal(start + " --memory lots", 1, {"--memory", "lots"});
  expect_refusal(start + " --bits 3 --nf 3", 1, {"--nf"});
  expect_refusal(start + " --bits 3 --weights kfac", 1, {"--data", "--stats"});
  expect_refusal(start + " --bits 3 --feedback", 1, {"--feedback"});
  io_test::put_file(dir / "short.txt", "too short");
  expect_refusal(start + " --bits 3 --data " + (dir / "short.txt").string(), 1, {"window"});
  io_test::put_file(dir / "stats", "no statistics");
  expect_refusal(start + " --bits 3 --stats " + (dir / "stats").string(), 1, {"stats"});
  io_test::put_file(dir / "table.json",
                    R"({"model": "0123", "configs": [[2,8,"fp32",64,256]], "bits": [[2.127]], "errors": [[1]],
                        "matrices": [{"name": "m", "rows": 4, "cols": 4}]})");
  expect_refusal(start + " --bits 3 --table " + (dir / "table.json").string(), 1, {"0123"});
}

}  // namespace
}  // namespace lq::e2e
