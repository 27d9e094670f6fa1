// The format tcq through the whole chain, as a user runs it: uniform and allocated beside another format,
// stored, read back, evaluated, generated with, fine-tuned on, exported.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "e2e/run_program.h"
#include "files/json_file.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

nlohmann::json trellis_result(const std::string& arguments) {
  const Outcome run = lqlora("--json - " + arguments);
  EXPECT_EQ(run.code, 0) << arguments << '\n' << run.errors;
  return run.code == 0 ? nlohmann::json::parse(run.out) : nlohmann::json::object();
}

std::string trellis_text() {
  return std::string("'") + lq::test::source_dir() + "/examples/texts/held_out.txt'";
}

double trellis_perplexity(const std::string& model) {
  const auto json =
      trellis_result("eval " + model + " --tasks perplexity --data " + trellis_text() + " --seq-len 128");
  return json.at("perplexity").at("perplexity").get<double>();
}

TEST(TrellisE2e, UniformIsStoredRunFineTunedOnAndExported) {
  const io_test::TempDir dir;
  const std::string q = (dir / "q").string();
  const auto report = trellis_result("quantize " + quill() + " --config tcq,3,10 --method qlora -o " + q);
  EXPECT_EQ(report.at("codebook"), "tcq");
  EXPECT_EQ(report.at("matrices").at(0).at("config"), "tcq 3,10,64");
  EXPECT_NEAR(report.at("bits_per_weight").get<double>(), 3.127, 0.01);
  const auto config = read_json(dir / "q/config.json").at("quantization_config");
  EXPECT_EQ(config.at("modules").begin()->at("format"), "tcq");
  EXPECT_EQ(config.at("modules").begin()->at("config").dump(), "[3,10,64]");
  EXPECT_NE(lqlora("inspect " + q).out.find("tcq 3,10,64"), std::string::npos);

  const double dense = trellis_perplexity(quill());
  const double packed = trellis_perplexity(q);
  EXPECT_GT(packed, 0.95 * dense);
  EXPECT_LT(packed, 1.1 * dense);
  ASSERT_EQ(lqlora("export " + q + " --format hf --dtype f32 -o " + (dir / "hf").string()).code, 0);
  EXPECT_NEAR(trellis_perplexity((dir / "hf").string()), packed, 1e-3 * packed);
  const std::string prompt = " --prompt 'The river' --max-tokens 12 --decode-precision fine";
  const Outcome words = lqlora("generate " + q + prompt);
  EXPECT_EQ(words.code, 0) << words.errors;
  EXPECT_EQ(words.out, lqlora("generate " + (dir / "hf").string() + prompt).out);

  const auto tuned = trellis_result("finetune " + q + " --rank 8 --data " + trellis_text() +
                                    " --seq-len 48 --batch-size 2 --max-steps 12 --lr 2e-3 --warmup 0 -o " +
                                    (dir / "a").string());
  EXPECT_EQ(tuned.at("steps"), 12);
  EXPECT_LT(trellis_perplexity(q + " --adapter " + (dir / "a").string()), packed);
}

TEST(TrellisE2e, IsSweptAndAllocatedBesideNormalFloat) {
  const io_test::TempDir dir;
  const std::string some = " --include '*layers.0.*attn*_proj*' --rank 4 ";
  const std::string q = (dir / "q").string();
  const auto report = trellis_result(
      "quantize " + quill() + some +
      "--format nf,tcq --scales absmax --bits 3 --configs tcq,2,10,64 nf,3,4,fp16,64,256 tcq,4,10,256 -o " +
      q);
  EXPECT_LE(report.at("bits_per_weight").get<double>(), 3.0);
  std::set<std::string> formats;
  const auto modules = read_json(dir / "q/config.json").at("quantization_config").at("modules");
  for (const auto& [name, module] : modules.items()) formats.insert(module.at("format").get<std::string>());
  EXPECT_TRUE(formats.contains("tcq"));
  EXPECT_GT(trellis_perplexity(q), 1.0);
}

TEST(TrellisE2e, WhatItDoesNotKnowIsRefused) {
  const io_test::TempDir dir;
  const std::string out = " -o " + (dir / "out").string();
  for (const char* wrong : {"--config tcq,5", "--config tcq", "--config tcq,2,9", "--config tcq,2,12,16",
                            "--format nf --config tcq,4", "--config tcq,4 --bits 4"}) {
    const Outcome run = lqlora("--quiet quantize " + quill() + " " + wrong + out);
    EXPECT_EQ(run.code, 1) << wrong;
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
  }
}

}  // namespace
}  // namespace lq::e2e
