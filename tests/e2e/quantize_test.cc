// `quantize`, `inspect` and `export` as a user runs them, on the example model quill.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "e2e/run_program.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

using io_test::TempDir;

TEST(QuantizeE2e, JsonAloneOnStdoutWithTheKeysThatStay) {
  const TempDir dir;
  const Outcome run = lqlora("--json - quantize " + quill() + " --nf 3 --rank 8 -o " + (dir / "q").string());
  ASSERT_EQ(run.code, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_NEAR(json["bits_per_weight"].get<double>(), 3 + 8.0 / 64 + 32.0 / (64 * 256), 1e-3);
  EXPECT_GT(json["bits_per_weight_with_low_rank"], json["bits_per_weight"]);
  EXPECT_EQ(json["matrices"].size(), 42U);
  EXPECT_LT(json["relative_error"].get<double>(), 0.16);
  EXPECT_GT(json["peak_rss_bytes"].get<std::int64_t>(), 1 << 20);
  const Outcome inspect = lqlora("inspect " + (dir / "q").string());
  EXPECT_EQ(inspect.code, 0);
  EXPECT_NE(inspect.out.find("packed model"), std::string::npos);
}

TEST(QuantizeE2e, CutsItsWeightsAndTellsOfItsStages) {
  const TempDir dir;
  const std::string q = (dir / "q").string();
  const Outcome run = lqlora("--verbose quantize " + quill() + " --nf 2 --rank 0 --max-shard 1MB -o " + q);
  ASSERT_EQ(run.code, 0) << run.errors;
  EXPECT_NE(run.errors.find("100 %"), std::string::npos) << run.errors;
  EXPECT_TRUE(std::filesystem::exists(dir / "q/model.safetensors.index.json"));
  ASSERT_EQ(lqlora("export " + q + " --format hf --max-shard 2MB -o " + (dir / "hf").string()).code, 0);
  EXPECT_TRUE(std::filesystem::exists(dir / "hf/model.safetensors.index.json"));
}

TEST(QuantizeE2e, ExportsBothWays) {
  const TempDir dir;
  const std::string q = (dir / "q").string();
  ASSERT_EQ(lqlora("quantize " + quill() + " --nf 2 --rank 4 --include '*layers.0.mlp*' -o " + q).code, 0);
  EXPECT_EQ(lqlora("export " + q + " --format hf -o " + (dir / "hf").string()).code, 0);
  EXPECT_EQ(lqlora("export " + q + " --format hf --keep-adapter -o " + (dir / "kept").string()).code, 0);
  EXPECT_TRUE(std::filesystem::exists(dir / "hf/tokenizer.json"));
  EXPECT_FALSE(std::filesystem::exists(dir / "hf/adapter"));
  EXPECT_TRUE(std::filesystem::exists(dir / "kept/adapter/adapter_model.safetensors"));
  EXPECT_NE(lqlora("inspect " + (dir / "hf").string()).out.find("dense model"), std::string::npos);
}

// One line on stderr that holds every part, exit code 1, nothing that looks final.
void expect_refusal(const std::string& arguments, std::initializer_list<std::string> parts) {
  const Outcome run = lqlora("--quiet " + arguments);
  EXPECT_EQ(run.code, 1) << arguments;
  EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
  for (const std::string& part : parts)
    EXPECT_NE(run.errors.find(part), std::string::npos) << part << " not in " << run.errors;
}

TEST(QuantizeE2e, BadInputGetsOneLine) {
  const TempDir dir;
  const std::string out = " -o " + (dir / "out").string();
  expect_refusal("quantize " + (dir / "nothing").string() + out, {"nothing"});
  expect_refusal("quantize " + quill() + " --rank 129" + out, {"129", "k_proj"});
  expect_refusal("quantize " + quill() + " --config 7,8,fp32,64,256" + out, {"7"});
  expect_refusal("quantize " + quill() + " -o " + quill(), {"quill"});
  expect_refusal("quantize " + quill() + " --max-shard huge" + out, {"--max-shard", "huge"});
  expect_refusal("--device cuda:99 quantize " + quill() + out, {"--device cuda:99"});
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
  // A folder of someone else's.
  io_test::put_file(dir / "theirs/notes.txt", "mine");
  expect_refusal("quantize " + quill() + " -o " + (dir / "theirs").string(), {"theirs"});
  EXPECT_EQ(io_test::get_file(dir / "theirs/notes.txt"), "mine");
  // No way to create it: the parent is a file.
  io_test::put_file(dir / "file", "x");
  expect_refusal("quantize " + quill() + " -o " + (dir / "file/out").string(), {"file"});
  // Truncated weights.
  std::filesystem::copy(lq::test::source_dir() + "/examples/models/quill", dir / "cut");
  std::filesystem::resize_file(dir / "cut/model.safetensors", 1'000'000);
  expect_refusal("quantize " + (dir / "cut").string() + out, {"model.safetensors"});
  EXPECT_FALSE(std::filesystem::exists(dir / "out" / "config.json"));
}

TEST(QuantizeE2e, WrongUsageExitsWithTwo) {
  EXPECT_EQ(lqlora("").code, 2);
  EXPECT_EQ(lqlora("quantize").code, 2);
  EXPECT_EQ(lqlora("quantize a -o b --nf 7").code, 2);
  EXPECT_EQ(lqlora("no-such-verb").code, 2);
  EXPECT_EQ(lqlora("--help").code, 0);
}

TEST(QuantizeE2e, FullDiskIsOneLineAndTheSameCommandGoesOnLater) {
  const TempDir dir;
  const std::string command = "--quiet quantize " + quill() + " --nf 4 --rank 2 -o " + (dir / "out").string();
  // No file may grow beyond 64 blocks of 512 bytes.
  const Outcome full = shell("ulimit -f 64; " + program() + " " + command);
  EXPECT_EQ(full.code, 1) << full.errors;
  EXPECT_EQ(std::count(full.errors.begin(), full.errors.end(), '\n'), 1) << full.errors;
  EXPECT_FALSE(std::filesystem::exists(dir / "out/config.json"));
  EXPECT_FALSE(std::filesystem::exists(dir / "out/model.safetensors"));
  EXPECT_EQ(lqlora(command).code, 0);
  EXPECT_TRUE(std::filesystem::exists(dir / "out/config.json"));
}

TEST(QuantizeE2e, KilledRunsEndInTheSameBytes) {
  const TempDir dir;
  const std::string flags = " --nf 3 --rank 8 -o ";
  ASSERT_EQ(lqlora("--quiet quantize " + quill() + flags + (dir / "whole").string()).code, 0);
  const std::string command =
      program() + " --quiet --threads 1 quantize " + quill() + flags + (dir / "out").string();
  for (const char* delay : {"0.02", "0.15", "0.4"}) {
    shell(command + " & sleep " + delay + "; kill -9 $! 2>/dev/null; wait $! 2>/dev/null");
    if (!std::filesystem::exists(dir / "out/config.json")) {
      EXPECT_FALSE(std::filesystem::exists(dir / "out/model.safetensors") &&
                   !std::filesystem::exists(dir / "out/.work"));
    }
  }
  ASSERT_EQ(shell(command).code, 0);
  for (const char* file : {"model.safetensors", "config.json", "adapter/adapter_model.safetensors"}) {
    EXPECT_EQ(io_test::get_file(dir / "whole" / file), io_test::get_file(dir / "out" / file)) << file;
  }
}

TEST(QuantizeE2e, InterruptLeavesNothingFinal) {
  const TempDir dir;
  const Outcome run = shell(program() + " --quiet --threads 1 quantize " + quill() + " --nf 8 --rank 64 -o " +
                            (dir / "out").string() + " & sleep 0.3; kill -INT $!; wait $!");
  // Either it was done before the signal, or it stopped with a line that says how to go on.
  if (run.code != 0) {
    EXPECT_NE(run.errors.find("again"), std::string::npos) << run.errors;
    EXPECT_FALSE(std::filesystem::exists(dir / "out/config.json"));
  }
}

TEST(QuantizeE2e, AReaderThatHasGoneIsNoErrorAndAFullDiskIsOne) {
  // The loop ends when the pipe is closed for certain.
  const Outcome gone = shell("(trap '' PIPE; while printf . 2>/dev/null; do :; done; " + program() +
                             " inspect " + quill() + "; echo \"code $?\" >&2) | true");
  EXPECT_EQ(gone.errors, "code 141\n");
  const Outcome full = shell(program() + " inspect " + quill() + " >/dev/full");
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.errors.find("cannot write to standard output: No space left"), std::string::npos)
      << full.errors;
}

}  // namespace
}  // namespace lq::e2e
