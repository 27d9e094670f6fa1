// compare as a user runs it: a small grid, killed and resumed, against the verbs one by one.
#include <gtest/gtest.h>

#include <filesystem>

#include "e2e/run_program.h"
#include "files/json_file.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class CompareE2e : public testing::Test {
 protected:
  CompareE2e() {
    std::string text;
    for (int i = 0; i < 40; ++i) text += fmt::format("Verse {} of a song about {} ships.\n", i, i * 7);
    io_test::put_file(dir_ / "song.txt", text);
    io_test::put_file(dir_ / "held.txt", "Verse 41 of a song about 287 ships. The ships were lost at sea.\n");
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  // A recipe of 2 methods x 1 budget x 2 seeds on four matrices.
  void write_recipe(const std::string& lr = "1e-3", const std::string& methods = "\"lora\", \"lq\"") const {
    io_test::put_file(
        dir_ / "r.toml",
        fmt::format("model = \"{}/examples/models/quill\"\nmethods = [{}]\nbits = 2.5\nseeds = [0, 3]\n"
                    "rank = 4\ninclude = [{}]\nconfigs = [\"2,4,fp16,64,256\", \"3,4,fp16,64,256\"]\n"
                    "[finetune]\ndata = \"song.txt\"\nseq-len = 32\nbatch-size = 2\nmax-steps = 8\n"
                    "save-every = 2\nlr = {}\n[eval]\ndata = \"held.txt\"\n",
                    lq::test::source_dir(), methods, include("\"", "\", \""), lr));
  }
  // The four matrices, as a list of globs.
  static std::string include(const std::string& quote, const std::string& between) {
    return quote + "*layers.0.self_attn.q_proj*" + between + "*layers.0.self_attn.v_proj*" + between +
           "*layers.1.mlp.down_proj*" + between + "*layers.1.mlp.up_proj*" + quote;
  }
  std::string command(const std::string& out, int threads = 2) const {
    return fmt::format("{} --quiet --threads {} compare '{}' -o '{}'", program(), threads, path("r.toml"),
                       path(out));
  }
  Json table(const std::string& out) const { return read_json(dir_ / out / "table.json"); }
  // The table without what differs from run to run.
  Json lasting(const std::string& out) const {
    Json json = table(out);
    json.erase("shared");
    for (Json& row : json["rows"]) {
      for (const char* key : {"quantize_seconds", "quantize_peak_rss_bytes", "seconds", "peak_rss_bytes"})
        row.erase(key);
      for (Json& run : row["runs"]) {
        for (const char* key : {"seconds", "peak_rss_bytes", "tokens_per_second"}) run.erase(key);
      }
    }
    return json;
  }
  io_test::TempDir dir_;
};

TEST_F(CompareE2e, KilledAndResumedGivesTheSameTable) {
  write_recipe();
  const Outcome whole = shell(command("whole"));
  ASSERT_EQ(whole.code, 0) << whole.errors;
  for (const double seconds : {0.15, 0.3, 0.45, 0.6, 0.9}) {
    shell(fmt::format("timeout -s KILL {} {}", seconds, command("killed", 1)));
  }
  const Outcome last = shell(command("killed", 1));
  ASSERT_EQ(last.code, 0) << last.errors;
  EXPECT_EQ(lasting("killed"), lasting("whole"));
  EXPECT_EQ(table("whole")["rows"].size(), 2u);
  EXPECT_EQ(table("whole")["rows"][1]["runs"].size(), 2u);
  EXPECT_TRUE(fs::exists(dir_ / "whole/table.md") && fs::exists(dir_ / "whole/figure.svg"));

  // Run again, it computes nothing and writes the same bytes.
  const std::string before = io_test::get_file(dir_ / "whole/table.json");
  const Outcome again =
      lqlora(fmt::format("--quiet --json - compare '{}' -o '{}'", path("r.toml"), path("whole")));
  ASSERT_EQ(again.code, 0) << again.errors;
  EXPECT_EQ(Json::parse(again.out)["computed"], 0);
  EXPECT_EQ(io_test::get_file(dir_ / "whole/table.json"), before);

  // Another learning rate meets finished cells, of which the first is named.
  write_recipe("2e-3");
  const Outcome other = shell(command("whole"));
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(
      other.errors.find("cells/lora/seed-0.json: was made by another recipe (finetune/flags/lr was 0.001, "
                        "now 0.002)"),
      std::string::npos)
      << other.errors;
  // A method more is none of that.
  write_recipe("1e-3", "\"lora\", \"lq\", \"qlora\"");
  const Outcome more =
      lqlora(fmt::format("--quiet --json - compare '{}' -o '{}'", path("r.toml"), path("whole")));
  ASSERT_EQ(more.code, 0) << more.errors;
  EXPECT_EQ(Json::parse(more.out)["computed"], 2);
}

TEST_F(CompareE2e, NumbersAreThoseOfTheVerbs) {
  write_recipe();
  ASSERT_EQ(shell(command("grid")).code, 0);
  const Json row = table("grid")["rows"][1];
  ASSERT_EQ(row["method"], "lq");

  const auto json = [&](const std::string& arguments) {
    const Outcome o = lqlora("--quiet --json - " + arguments);
    EXPECT_EQ(o.code, 0) << arguments << "\n" << o.errors;
    return Json::parse(o.out);
  };
  const std::string flags = "--include " + include("'", "' --include '");
  const Json q =
      json(fmt::format("quantize {} --bits 2.5 --rank 4 --weights none --codebook nf --scales absmax "
                       "--configs 2,4,fp16,64,256 "
                       "--configs 3,4,fp16,64,256 {} -o '{}'",
                       quill(), flags, path("q")));
  EXPECT_EQ(row["bits_per_weight"], q["bits_per_weight"]);
  EXPECT_EQ(row["relative_error"], q["relative_error"]);
  const std::string eval = fmt::format(" --tasks perplexity --data '{}'", path("held.txt"));
  const Json before = json("eval '" + path("q") + "'" + eval + " --reference " + quill())["perplexity"];
  EXPECT_EQ(row["texts"][0]["perplexity_before"], before["perplexity"]);
  EXPECT_EQ(row["texts"][0]["kl_before"], before["kl"]);
  const std::string train =
      fmt::format(" --data '{}' --seq-len 32 --batch-size 2 --max-steps 8 --lr 1e-3 -o '{}'",
                  path("song.txt"), path("a"));
  const Json tuned = json("--seed 3 finetune '" + path("q") + "'" + train);
  EXPECT_EQ(row["runs"][1]["final_loss"], tuned["final_loss"]);
  const Json after = json("eval '" + path("q") + "' --adapter '" + path("a") + "'" + eval)["perplexity"];
  EXPECT_EQ(row["runs"][1]["texts"][0]["perplexity"], after["perplexity"]);
  EXPECT_LT(after["perplexity"].get<double>(), before["perplexity"].get<double>());

  // Dense LoRA: the same modules, from zero.
  fs::remove_all(dir_ / "a");
  const Json dense = json(fmt::format(
      "--seed 3 finetune {} --rank 4 --target layers.0.self_attn.q_proj,layers.0.self_attn.v_proj,"
      "layers.1.mlp.down_proj,layers.1.mlp.up_proj {}",
      quill(), train));
  const Json lora = table("grid")["rows"][0];
  EXPECT_EQ(lora["runs"][1]["final_loss"], dense["final_loss"]);
  EXPECT_EQ(lora["bits_per_weight"], 16.0);
}

TEST_F(CompareE2e, ValidationPicksTheRateAndFactorsStayBesideTheNewOnes) {
  io_test::put_file(
      dir_ / "r.toml",
      fmt::format("model = \"{}/examples/models/quill\"\nmethods = [\"ours\", \"ours-beside\"]\nbits = 2.5\n"
                  "seeds = [0, 3]\nrank = 4\ninclude = [{}]\nconfigs = [\"2,4,fp16,64,256\", "
                  "\"3,4,fp16,64,256\"]\n[calibrate]\ndata = \"song.txt\"\nseq-len = 64\nsamples = 4\n"
                  "[finetune]\ndata = \"song.txt\"\nval-share = 0.2\nseq-len = 32\nbatch-size = 2\n"
                  "max-steps = 8\nlr = [1e-9, 1e-3]\n[eval]\ndata = \"held.txt\"\n",
                  lq::test::source_dir(), include("\"", "\", \"")));
  const Outcome o = shell(command("grid"));
  ASSERT_EQ(o.code, 0) << o.errors;
  const Json rows = table("grid")["rows"];
  ASSERT_EQ(rows.size(), 2u);
  for (const Json& row : rows) {
    // A rate of 1e-9 learns nothing.
    EXPECT_EQ(row["lr"], 1e-3);
    ASSERT_EQ(row["trials"].size(), 2u);
    EXPECT_EQ(row["runs"].size(), 2u);
    EXPECT_GT(row["trials"][0]["validation_loss"].get<double>(),
              row["trials"][1]["validation_loss"].get<double>());
    EXPECT_EQ(row["trials"][1], row["runs"][0]);
  }
  // One base, and twice the rank in the second.
  EXPECT_FALSE(fs::exists(dir_ / "grid/cells/ours-beside-2.5/base"));
  EXPECT_EQ(rows[0]["texts"][0]["perplexity_before"], rows[1]["texts"][0]["perplexity_before"]);
  EXPECT_NEAR(
      rows[1]["bits_per_weight_with_low_rank"].get<double>() - rows[1]["bits_per_weight"].get<double>(),
      2.0 *
          (rows[0]["bits_per_weight_with_low_rank"].get<double>() - rows[0]["bits_per_weight"].get<double>()),
      1e-9);
  const Json config = read_json(dir_ / "grid/cells/ours-beside-2.5/lr-0.001/seed-0/adapter_config.json");
  EXPECT_EQ(config["r"], 8);
}

TEST_F(CompareE2e, BadRecipesAreOneLine) {
  write_recipe("0");
  const Outcome bad = shell(command("bad"));
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.errors.find("r.toml:14: finetune.lr is not a number above 0"), std::string::npos)
      << bad.errors;
  EXPECT_FALSE(fs::exists(dir_ / "bad"));
  EXPECT_EQ(lqlora("compare").code, 2);
}

}  // namespace
}  // namespace lq::e2e
