// `--device` as a user gives it: what cannot be done is said by name, in one line, before any work.
#include <gtest/gtest.h>

#include <cstdlib>

#include "backends/cuda/device.h"
#include "e2e/run_program.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

using io_test::TempDir;

std::string text_for_devices() {
  return std::string("'") + lq::test::source_dir() + "/examples/texts/held_out.txt'";
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void expect_one_line(const Outcome& run) {
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.errors.find('\n'), run.errors.size() - 1) << run.errors;
  EXPECT_EQ(run.out, "");
}

TEST(DeviceE2e, VerbsOfTheProcessorSaySoBeforeAnyWork) {
  const TempDir dir;
  const std::string out = " -o " + (dir / "out").string();
  for (const std::string verb : {"compare", "export --format hf"}) {
    // A model that is not there: nothing was opened.
    const Outcome run = lqlora("--device cuda " + verb + " " + (dir / "none").string() + out);
    expect_one_line(run);
    EXPECT_TRUE(has(run.errors, verb.substr(0, verb.find(' ')) + " computes on the cpu only")) << run.errors;
    EXPECT_TRUE(has(run.errors, "finetune, generate, chat, eval, calibrate, quantize, sweep")) << run.errors;
  }
  EXPECT_EQ(lqlora("--device cpu version").code, 0);
  const Outcome unknown = lqlora("--device tpu version");
  expect_one_line(unknown);
  EXPECT_TRUE(has(unknown.errors, "auto, cpu, cuda or cuda:N")) << unknown.errors;
}

TEST(DeviceE2e, ABuildWithoutCudaSaysHowToMakeOne) {
  if (backends::cuda::built_in()) GTEST_SKIP() << "this build has CUDA";
  const TempDir dir;
  const std::string out = " -o " + (dir / "out").string();
  for (const std::string& verb :
       {"finetune " + quill() + " --data " + text_for_devices() + out,
        "calibrate " + quill() + " --data " + text_for_devices() + out,
        "quantize " + quill() + " --nf 3 --rank 4" + out, "sweep " + quill() + " --rank 4" + out,
        "eval " + quill() + " --tasks perplexity --data " + text_for_devices(),
        "generate " + quill() + " --prompt x", "chat " + quill() + " --format vicuna"}) {
    const Outcome run = lqlora("--device cuda " + verb);
    expect_one_line(run);
    EXPECT_TRUE(has(run.errors, "--device cuda: this build has no CUDA (cmake --preset cuda makes one)"))
        << run.errors;
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
}

// With the kernels on the processor (LQ_CUDA_ON_CPU) machines can be described: by its variables.
class DescribedMachine : public testing::Test {
 protected:
  void SetUp() override {
    const auto all = backends::cuda::devices();
    if (all.empty() || all.front().name != "the processor as a card")
      GTEST_SKIP() << "this build does not run the CUDA kernels on the processor";
  }
  static Outcome generate(const std::string& machine, const std::string& device, int tokens = 1) {
    return shell(machine + " " + program() + " --device " + device + " generate " + quill() +
                 " --prompt The --max-tokens " + std::to_string(tokens));
  }
};

TEST_F(DescribedMachine, EveryTroubleIsOneLine) {
  const std::pair<const char*, const char*> machines[] = {
      {"LQ_CPU_CARD_DRIVER=0", "no NVIDIA driver is loaded"},
      {"LQ_CPU_CARD_DRIVER=12040", "the driver is for CUDA 12.4, but this program needs 13.0"},
      {"LQ_CPU_CARDS=0", "the driver finds no card"},
      {"LQ_CPU_CARD_CAPABILITY=70", "7.5 is the oldest that works"},
      {"LQ_CPU_CARD_CAPABILITY=75 LQ_CPU_CARD_OTHER_BUILD=1", "-DCMAKE_CUDA_ARCHITECTURES=75"},
      {"LQ_CPU_CARD_TAKEN=1", "another process holds this card"},
  };
  for (const auto& [machine, text] : machines) {
    const Outcome run = generate(machine, "cuda");
    expect_one_line(run);
    EXPECT_TRUE(has(run.errors, text)) << run.errors;
    // As a wish: on the processor, and it is said, where there is a driver at all.
    const Outcome wish = generate(machine, "auto");
    EXPECT_EQ(wish.code, 0) << wish.errors;
    EXPECT_EQ(has(wish.errors, text), !has(machine, "DRIVER=0")) << wish.errors;
  }
  EXPECT_TRUE(has(generate("LQ_CPU_CARDS=1", "cuda:1").errors, "there is one card, numbered 0"));
}

TEST_F(DescribedMachine, MemoryIsCountedBeforeTheWork) {
  const Outcome small = generate("LQ_CPU_CARD_BYTES=200000000", "cuda");
  expect_one_line(small);
  EXPECT_TRUE(has(small.errors, "cuda:0 is too small: about") && has(small.errors, "are free"))
      << small.errors;
  const Outcome wish = generate("LQ_CPU_CARD_BYTES=200000000", "auto");
  EXPECT_EQ(wish.code, 0);
  EXPECT_TRUE(has(wish.errors, "generate: on the cpu: cuda:0 is too small")) << wish.errors;
  const Outcome fits = generate("", "auto");
  EXPECT_EQ(fits.code, 0);
  EXPECT_TRUE(has(fits.errors, "generate: on cuda:0 (the processor as a card, cuBLAS 13.0.0); needs about"))
      << fits.errors;
}

// Which matrices, and that small ones are the processor's where a device is only wished for.
TEST_F(DescribedMachine, QuantizesAndSweepsWhereItWasTold) {
  const TempDir dir;
  const auto run = [&](const std::string& machine, const std::string& device, const std::string& verb,
                       const std::string& out) {
    return shell(machine + " " + program() + " --device " + device + " " + verb + " " + quill() +
                 " --include '*layers.0.self_attn.k_proj.weight' -o " + (dir / out).string());
  };
  const Outcome there = run("", "cuda", "quantize --nf 3 --rank 4", "there");
  ASSERT_EQ(there.code, 0) << there.errors;
  EXPECT_TRUE(has(there.errors, "quantize: on cuda:0 (the processor as a card, cuBLAS 13.0.0); needs about"))
      << there.errors;
  const Outcome wish = run("", "auto", "quantize --nf 3 --rank 4", "wish");
  ASSERT_EQ(wish.code, 0) << wish.errors;
  EXPECT_TRUE(has(wish.errors, "quantize: on the cpu: no matrix has more than")) << wish.errors;
  // The same command on the processor is another job.
  EXPECT_EQ(run("", "cpu", "quantize --nf 3 --rank 4", "there").code, 1);
  const Outcome small = run("LQ_CPU_CARD_BYTES=200000000", "cuda", "quantize --nf 3 --rank 4", "small");
  EXPECT_EQ(small.code, 1);
  EXPECT_TRUE(has(small.errors, "[quantize] cuda:0 is too small: about")) << small.errors;
  const Outcome alone = run("", "cuda", "quantize --nf 3 --rank 0", "alone");
  EXPECT_EQ(alone.code, 1);
  EXPECT_TRUE(has(alone.errors, "cuda:0 has nothing to do: no low-rank factors")) << alone.errors;
  const Outcome swept =
      run("", "cuda", "sweep --rank 4 --configs 2,8,fp32,64,256 3,8,fp32,64,256 --check 1", "t.json");
  ASSERT_EQ(swept.code, 0) << swept.errors;
  EXPECT_TRUE(has(swept.errors, "sweep: on cuda:0 (")) << swept.errors;
}

// Matrices that were finished stay; the same command goes on with the others.
TEST_F(DescribedMachine, ALostDeviceKeepsFinishedMatrices) {
  const TempDir dir;
  const auto run = [&](const std::string& machine, const std::string& out) {
    return shell(machine + " " + program() + " --device cuda quantize " + quill() +
                 " --include '*layers.?.self_attn.k_proj.weight' --nf 3 --rank 2 --iterations 2 -o " +
                 (dir / out).string());
  };
  const Outcome lost = run("LQ_CPU_CARD_FAILS_AFTER=500", "resumed");
  EXPECT_EQ(lost.code, 1) << "500 launches were enough for all matrices";
  EXPECT_TRUE(has(lost.errors, "the same command goes on")) << lost.errors;
  const Outcome resumed = run("", "resumed");
  ASSERT_EQ(resumed.code, 0) << resumed.errors;
  EXPECT_TRUE(has(resumed.errors, "going on: ")) << resumed.errors;
  const Outcome whole = run("", "whole");
  ASSERT_EQ(whole.code, 0) << whole.errors;
  EXPECT_EQ(io_test::get_file(dir / "resumed/model.safetensors"),
            io_test::get_file(dir / "whole/model.safetensors"));
}

// A device that is lost keeps what was saved: the same command goes on, and ends in the same adapter.
TEST_F(DescribedMachine, ALostDeviceKeepsWhatWasSaved) {
  const TempDir dir;
  const auto finetune = [&](const std::string& machine, const std::string& out) {
    return shell(
        machine + " " + program() + " --device cuda --seed 1 finetune " + quill() + " --data " +
        text_for_devices() +
        " --rank 2 --seq-len 16 --max-steps 3 --save-every 1 --matmul-precision f32 --batch-size 1 -o " +
        (dir / out).string());
  };
  const Outcome whole = finetune("", "whole");
  ASSERT_EQ(whole.code, 0) << whole.errors;
  const Outcome lost = finetune("LQ_CPU_CARD_FAILS_AFTER=1500", "resumed");
  EXPECT_EQ(lost.code, 1) << "1500 launches were enough for all steps";
  EXPECT_TRUE(has(lost.errors, "the same command goes on from its last checkpoint")) << lost.errors;
  const Outcome resumed = finetune("", "resumed");
  ASSERT_EQ(resumed.code, 0) << resumed.errors;
  EXPECT_EQ(io_test::get_file(dir / "resumed/adapter_model.safetensors"),
            io_test::get_file(dir / "whole/adapter_model.safetensors"));
}

}  // namespace
}  // namespace lq::e2e
