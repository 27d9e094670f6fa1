// The format int-row through the whole chain, as a user runs it: uniform and allocated beside another format,
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

nlohmann::json json_result(const std::string& arguments) {
  const Outcome run = lqlora("--json - " + arguments);
  EXPECT_EQ(run.code, 0) << arguments << '\n' << run.errors;
  return run.code == 0 ? nlohmann::json::parse(run.out) : nlohmann::json::object();
}

std::string held_out_text() {
  return std::string("'") + lq::test::source_dir() + "/examples/texts/held_out.txt'";
}

double perplexity_of(const std::string& model) {
  const auto json =
      json_result("eval " + model + " --tasks perplexity --data " + held_out_text() + " --seq-len 128");
  return json.at("perplexity").at("perplexity").get<double>();
}

TEST(IntRowE2e, UniformIsStoredRunFineTunedOnAndExported) {
  const io_test::TempDir dir;
  const std::string q = (dir / "q").string();
  const auto report = json_result("quantize " + quill() + " --config int-row,4 --rank 8 -o " + q);
  EXPECT_EQ(report.at("codebook"), "int-row");
  EXPECT_EQ(report.at("matrices").at(0).at("config"), "int-row 4");
  EXPECT_NEAR(report.at("bits_per_weight").get<double>(), 4.2, 0.2);
  const auto config = read_json(dir / "q/config.json").at("quantization_config");
  EXPECT_EQ(config.at("version"), 2);
  EXPECT_EQ(config.at("modules").begin()->at("format"), "int-row");
  EXPECT_NE(lqlora("inspect " + q).out.find("int-row 4"), std::string::npos);

  const double dense = perplexity_of(quill());
  const double packed = perplexity_of(q);
  EXPECT_GT(packed, 0.95 * dense);
  EXPECT_LT(packed, 1.2 * dense);
  // The exported dense model is the same model: what it generates token by token, from the stored form, too.
  ASSERT_EQ(lqlora("export " + q + " --format hf --dtype f32 -o " + (dir / "hf").string()).code, 0);
  EXPECT_NEAR(perplexity_of((dir / "hf").string()), packed, 1e-3 * packed);
  const std::string prompt = " --prompt 'The river' --max-tokens 12 --decode-precision fine";
  const Outcome words = lqlora("generate " + q + prompt);
  EXPECT_EQ(words.code, 0) << words.errors;
  EXPECT_EQ(words.out, lqlora("generate " + (dir / "hf").string() + prompt).out);

  const auto tuned = json_result("finetune " + q + " --data " + held_out_text() +
                                 " --seq-len 48 --batch-size 2 --max-steps 12 --lr 2e-3 --warmup 0 -o " +
                                 (dir / "a").string());
  EXPECT_EQ(tuned.at("steps"), 12);
  EXPECT_LT(perplexity_of(q + " --adapter " + (dir / "a").string()), packed);
}

TEST(IntRowE2e, IsSweptAndAllocatedBesideNormalFloat) {
  const io_test::TempDir dir;
  const std::string some = " --include '*layers.0.*_proj*' --rank 4 ";
  const std::string table = (dir / "table.json").string();
  const std::string configs = " --configs nf,2 3,8,fp32,64,256 int-row,3 int-row,4 int-row,8 ";
  ASSERT_EQ(lqlora("sweep " + quill() + some + "--format nf,int-row" + configs + "-o " + table).code, 0);
  const auto swept = read_json(dir / "table.json");
  EXPECT_EQ(swept.at("configs").dump(),
            R"([[2,8,"fp32",64,256],[3,8,"fp32",64,256],"int-row 3","int-row 4","int-row 8"])");
  const std::string allocation = (dir / "a.json").string();
  ASSERT_EQ(lqlora("allocate " + table + " --bits 3.6 --pin '*q_proj*=int-row,3' -o " + allocation).code, 0);
  std::set<std::string> chosen;
  const auto choices = read_json(dir / "a.json").at("choices");
  for (const auto& [name, choice] : choices.items()) {
    chosen.insert(choice.dump());
    EXPECT_EQ(choice == "int-row 3", name.find("q_proj") != std::string::npos) << name << ' ' << choice;
  }
  EXPECT_TRUE(chosen.contains("\"int-row 4\"")) << choices;
  EXPECT_TRUE(chosen.contains(R"([3,8,"fp32",64,256])")) << choices;

  const std::string q = (dir / "q").string();
  const auto report = json_result("quantize " + quill() + some + "--format nf,int-row --allocation " +
                                  allocation + " -o " + q);
  EXPECT_LE(report.at("bits_per_weight").get<double>(), 3.6);
  const auto modules = read_json(dir / "q/config.json").at("quantization_config").at("modules");
  for (const auto& [name, module] : modules.items()) {
    const auto& choice = choices.at(name);
    EXPECT_EQ(module.at("format"), choice.is_string() ? "int-row" : "nf") << name;
  }
  EXPECT_GT(perplexity_of(q), 1.0);
  // The same in one command, formats in the other order.
  const auto direct =
      json_result("quantize " + quill() + some + "--format int-row,nf --scales absmax --bits 5" + configs +
                  "-o " + (dir / "direct").string());
  EXPECT_LE(direct.at("bits_per_weight").get<double>(), 5.0);
}

TEST(IntRowE2e, WhatItDoesNotKnowIsRefused) {
  const io_test::TempDir dir;
  const std::string out = " -o " + (dir / "out").string();
  for (const char* wrong :
       {"--config int-row,5", "--config int-row", "--format int-row --scales search",
        "--format nf --config int-row,4", "--format int-row --method gptq", "--config int-row,4 --bits 4"}) {
    const Outcome run = lqlora("--quiet quantize " + quill() + " " + wrong + out);
    EXPECT_EQ(run.code, 1) << wrong;
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
  }
  // A name that no format has is wrong usage, as a flag that does not exist.
  const Outcome unknown = lqlora("--quiet quantize " + quill() + " --format int-row,q9 --bits 4" + out);
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.errors.find("'q9', but must be nf, int, lm, int-row, tcq, ggml, gguf, "),
            std::string::npos)
      << unknown.errors;
}

}  // namespace
}  // namespace lq::e2e
