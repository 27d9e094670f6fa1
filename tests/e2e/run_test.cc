// A chain from one file: done once, then found done; stopped by a step that cannot be.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "e2e/run_program.h"

namespace lq::e2e {
namespace {

using io_test::TempDir;

TEST(RunE2e, DoesItsStepsAndFindsThemDone) {
  const TempDir dir;
  std::filesystem::create_directory_symlink(lq::test::source_dir() + "/examples", dir / "examples");
  const std::string run = "cd '" + dir.path().string() + "' && " + program() + " --quiet --json ";
  const Outcome first = shell(run + "- run examples/recipes/quill.toml");
  ASSERT_EQ(first.code, 0) << first.errors;
  const auto results = nlohmann::json::parse(first.out);
  ASSERT_EQ(results.size(), 5U);
  EXPECT_EQ(results[0]["verb"], "quantize");
  EXPECT_NEAR(results[0]["result"]["bits_per_weight"].get<double>(), 3.127, 1e-3);
  const double before = results[2]["result"]["perplexity"]["kl"];
  const double after = results[3]["result"]["perplexity"]["kl"];
  EXPECT_GT(before, after);  // it has learnt what the dense model says
  EXPECT_GT(after, 0.0);
  EXPECT_TRUE(std::filesystem::exists(dir / "quill-run/merged/config.json"));
  const auto written = std::filesystem::last_write_time(dir / "quill-run/packed/config.json");
  const Outcome again = shell(run + "- run examples/recipes/quill.toml");
  ASSERT_EQ(again.code, 0) << again.errors;
  EXPECT_EQ(nlohmann::json::parse(again.out)[3]["result"]["perplexity"]["kl"], after);
  EXPECT_EQ(std::filesystem::last_write_time(dir / "quill-run/packed/config.json"), written);

  const Outcome shown = shell("cd '" + dir.path().string() + "' && " + program() +
                              " run --dry-run examples/recipes/quill.toml");
  EXPECT_EQ(shown.code, 0);
  EXPECT_EQ(shown.out.rfind(
                "lqlora --seed 1 quantize examples/models/quill --nf=3 --rank=8 --out=quill-run/packed\n", 0),
            0U)
      << shown.out;
}

TEST(RunE2e, AStepThatCannotBeEndsTheChainWithItsLine) {
  const TempDir dir;
  io_test::put_file(dir / "r.toml", "[inspect]\npath = \"none\"\n[version]\n");
  const Outcome run = shell("cd '" + dir.path().string() + "' && " + program() + " run r.toml");
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.errors.find("lqlora: error: r.toml:1: [inspect] "), std::string::npos) << run.errors;
  EXPECT_NE(run.errors.find("none"), std::string::npos) << run.errors;
  EXPECT_EQ(run.out.find("lqlora "), std::string::npos);  // the version was not shown
}

}  // namespace
}  // namespace lq::e2e
