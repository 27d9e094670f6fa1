// finetune as a user runs it: killed and resumed, interrupted, read back by eval.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/rng.h"
#include "e2e/run_program.h"
#include "files/json_file.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

namespace fs = std::filesystem;

class FinetuneE2e : public testing::Test {
 protected:
  std::string command(const std::string& out, int threads) const {
    return fmt::format(
        "{} --threads {} finetune {} --data '{}/examples/texts/held_out.txt' --seq-len 48 --batch-size 2 "
        "--rank 4 "
        "--target q_proj,down_proj --max-steps 30 --lr 1e-3 --save-every 3 --dropout 0.1 --val-share 0.2 "
        "--eval-every 7 -o '{}'",
        program(), threads, quill(), lq::test::source_dir(), (dir_ / out).string());
  }
  std::string bytes(const std::string& file) const { return io_test::get_file(dir_ / file); }
  io_test::TempDir dir_;
};

TEST_F(FinetuneE2e, KilledAtTenRandomMomentsEqualsTheUninterruptedRun) {
  const Outcome whole = shell(command("whole", 2));
  ASSERT_EQ(whole.code, 0) << whole.errors;
  const Rng rng(static_cast<std::uint64_t>(::getpid()));
  for (std::uint64_t i = 0; i < 10; ++i) {
    const double seconds = 0.1 + 0.7 * rng.uniform(i);
    // A kill may come before anything is there, or after the end.
    shell(fmt::format("timeout -s KILL {:.3f} {}", seconds, command("killed", 1 + static_cast<int>(i % 3))));
  }
  const Outcome last = shell(command("killed", 1));
  ASSERT_EQ(last.code, 0) << last.errors;
  EXPECT_TRUE(bytes("killed/adapter_model.safetensors") == bytes("whole/adapter_model.safetensors"));
  EXPECT_TRUE(bytes("killed/best/adapter_model.safetensors") ==
              bytes("whole/best/adapter_model.safetensors"));
  std::ifstream a(dir_ / "killed/log.jsonl"), b(dir_ / "whole/log.jsonl");
  std::string x, y;
  int lines = 0;
  while (std::getline(b, y)) {
    ASSERT_TRUE(std::getline(a, x));
    const auto have = nlohmann::json::parse(x), want = nlohmann::json::parse(y);
    for (const char* key : {"step", "loss", "validation_loss", "gradient_norm", "learning_rate"}) {
      EXPECT_EQ(have.value(key, -1.0), want.value(key, -1.0)) << y;
    }
    ++lines;
  }
  EXPECT_EQ(lines, 36);  // 30 steps, 6 validations
}

TEST_F(FinetuneE2e, SigtermWritesACheckpointAndTheSameCommandGoesOn) {
  const Outcome whole = shell(command("whole", 2));
  ASSERT_EQ(whole.code, 0) << whole.errors;
  const Outcome stopped = shell("timeout -s TERM 0.8 " + command("stopped", 2));
  if (stopped.code == 124) {
    EXPECT_NE(stopped.errors.find("interrupted; run the same command again to go on"), std::string::npos)
        << stopped.errors;
    EXPECT_FALSE(fs::exists(dir_ / "stopped" / "adapter_model.safetensors"));
    // Another command is not what was begun.
    const Outcome other = shell(command("stopped", 2) + " --clip 2");
    EXPECT_EQ(other.code, 1);
    EXPECT_NE(other.errors.find("clip was 1.0, now 2.0"), std::string::npos) << other.errors;
  }
  ASSERT_EQ(shell(command("stopped", 1) + " --resume").code, 0);
  EXPECT_TRUE(bytes("stopped/adapter_model.safetensors") == bytes("whole/adapter_model.safetensors"));
}

// 16-bit products, the default, change a step's loss in the fifth digit or later; another precision is
// another job.
TEST_F(FinetuneE2e, IntegerProductsLearnWhatF32Learns) {
  ASSERT_EQ(shell(command("int16", 2)).code, 0);
  ASSERT_EQ(shell(command("f32", 2) + " --matmul-precision f32").code, 0);
  std::ifstream a(dir_ / "int16/log.jsonl"), b(dir_ / "f32/log.jsonl");
  std::string x, y;
  double most = 0.0;
  while (std::getline(a, x) && std::getline(b, y)) {
    const double have = nlohmann::json::parse(x).value("loss", 1.0);
    const double want = nlohmann::json::parse(y).value("loss", 1.0);
    most = std::max(most, std::abs(have - want) / want);
  }
  EXPECT_GT(most, 0.0);
  EXPECT_LT(most, 1e-4);
  const Outcome other = shell(command("int16", 2) + " --matmul-precision f32");
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.errors.find("matmul_precision"), std::string::npos) << other.errors;
}

TEST_F(FinetuneE2e, EvalReadsTheAdapterAndRefusesAnotherBase) {
  ASSERT_EQ(shell(command("adapter", 2)).code, 0);
  const std::string eval =
      fmt::format(" --tasks perplexity --data '{}/examples/texts/held_out.txt' --adapter '{}'",
                  lq::test::source_dir(), (dir_ / "adapter").string());
  const Outcome good = lqlora("--json - eval " + quill() + eval);
  ASSERT_EQ(good.code, 0) << good.errors;
  const Outcome before =
      lqlora(fmt::format("--json - eval {} --tasks perplexity --data '{}/examples/texts/held_out.txt'",
                         quill(), lq::test::source_dir()));
  // It was trained on this very text.
  EXPECT_LT(nlohmann::json::parse(good.out)["perplexity"]["perplexity"].get<double>(),
            nlohmann::json::parse(before.out)["perplexity"]["perplexity"].get<double>());
  ASSERT_EQ(lqlora("quantize " + quill() + " --nf 4 --rank 2 -o '" + (dir_ / "q").string() + "'").code, 0);
  const Outcome bad = lqlora("eval '" + (dir_ / "q").string() + "'" + eval);
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.errors.find("made for the base"), std::string::npos) << bad.errors;
}

TEST_F(FinetuneE2e, PreviewMarksWhatCounts) {
  std::ofstream(dir_ / "a.jsonl") << R"({"prompt": "The sky is", "completion": " blue."})"
                                  << "\n";
  const Outcome o = lqlora("data preview " + quill() + " --data '" + (dir_ / "a.jsonl").string() + "'");
  ASSERT_EQ(o.code, 0) << o.errors;
  EXPECT_NE(o.out.find("The sky is[[ blue."), std::string::npos) << o.out;
}

}  // namespace
}  // namespace lq::e2e
