// Every family of models through every verb, as a user runs them, on the tiny models of tests/goldens.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/run_program.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

using io_test::TempDir;

// Letters and a space: a token each.
std::string letters_tokenizer() {
  nlohmann::ordered_json vocab;
  for (int i = 0; i < 26; ++i) vocab[std::string(1, static_cast<char>('a' + i))] = 3 + i;
  vocab[" "] = 29;
  vocab["<s>"] = 1;
  vocab["</s>"] = 2;
  vocab["<unk>"] = 0;
  nlohmann::ordered_json added = nlohmann::ordered_json::array();
  for (const char* token : {"<unk>", "<s>", "</s>"}) {
    added.push_back({{"id", vocab[token]},
                     {"content", token},
                     {"special", true},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false}});
  }
  const nlohmann::ordered_json tokenizer = {{"version", "1.0"},
                                            {"truncation", nullptr},
                                            {"padding", nullptr},
                                            {"added_tokens", added},
                                            {"normalizer", nullptr},
                                            {"pre_tokenizer", nullptr},
                                            {"post_processor", nullptr},
                                            {"decoder", nullptr},
                                            {"model",
                                             {{"type", "BPE"},
                                              {"dropout", nullptr},
                                              {"unk_token", "<unk>"},
                                              {"fuse_unk", false},
                                              {"byte_fallback", false},
                                              {"vocab", vocab},
                                              {"merges", nlohmann::json::array()}}}};
  return tokenizer.dump(1);
}

class FamiliesE2e : public testing::TestWithParam<const char*> {
 protected:
  FamiliesE2e() : model_((dir_ / "model").string()), text_((dir_ / "text.txt").string()) {
    const auto golden = std::filesystem::path(lq::test::source_dir()) / "tests/goldens" / GetParam();
    std::filesystem::create_directories(model_);
    for (const char* file : {"config.json", "model.safetensors"}) {
      std::filesystem::copy_file(golden / file, std::filesystem::path(model_) / file);
    }
    std::ofstream(std::filesystem::path(model_) / "tokenizer.json") << letters_tokenizer();
    std::ofstream text(text_);
    for (int i = 0; i < 60; ++i)
      text << "the quick brown fox jumps over the lazy dog and sees a bird in a tree\n";
  }
  std::string path(const char* name) const { return (dir_ / name).string(); }
  static void expect_runs(const std::string& arguments) {
    const Outcome run = lqlora("--quiet " + arguments);
    ASSERT_EQ(run.code, 0) << arguments << "\n" << run.errors;
  }

  TempDir dir_;
  std::string model_, text_;
};

constexpr const char* kAsk = " --prompt 'the quick' --max-tokens 6 --decode-precision fine";

TEST_P(FamiliesE2e, QuantizeFinetuneGenerateExport) {
  expect_runs("quantize " + model_ + " --nf 4 --rank 2 -o " + path("q"));
  expect_runs("export " + path("q") + " --format hf --dtype f32 -o " + path("hf"));
  const Outcome packed = lqlora("--quiet generate " + path("q") + kAsk);
  const Outcome dense = lqlora("--quiet generate " + path("hf") + kAsk);
  ASSERT_EQ(packed.code, 0) << packed.errors;
  EXPECT_EQ(packed.out, dense.out) << dense.errors;
  expect_runs(fmt::format("finetune {} --data {} --seq-len 20 --batch-size 2 --max-steps 2 -o {}", path("q"),
                          text_, path("tuned")));
  expect_runs("generate " + path("q") + " --adapter " + path("tuned") + kAsk);
  expect_runs(
      fmt::format("export {} --format hf --adapter {} -o {}", path("q"), path("tuned"), path("merged")));
  expect_runs(fmt::format("eval {} --tasks perplexity --seq-len 16 --data {}", path("merged"), text_));
}

TEST_P(FamiliesE2e, BitsChosenByWhatTheDataNeeds) {
  const std::string data = " --data " + text_ + " --seq-len 24 --samples 8";
  expect_runs("quantize " + model_ + " --bits 3.5 --rank 2" + data + " -o " + path("b"));
  expect_runs(fmt::format("eval {} --tasks perplexity --seq-len 16 --data {}", path("b"), text_));
}

TEST_P(FamiliesE2e, EveryWeightLearnsAndIsSavedAsItCame) {
  expect_runs(
      fmt::format("finetune {} --full --data {} --seq-len 20 --batch-size 2 --max-steps 1 --lr 1e-12 -o {}",
                  model_, text_, path("full")));
  const Outcome before = lqlora("--quiet generate " + model_ + kAsk);
  const Outcome after = lqlora("--quiet generate " + path("full") + kAsk);
  ASSERT_EQ(after.code, 0) << after.errors;
  EXPECT_EQ(before.out, after.out);
}

// Each token uses one expert, and the text is one letter: most experts see nothing.
TEST(ExpertsE2e, ExpertsThatNoTokenReachedAreNamedAndQuantizedAllTheSame) {
  const TempDir dir;
  const auto golden = std::filesystem::path(lq::test::source_dir()) / "tests/goldens/mixtral";
  std::filesystem::create_directories(dir / "model");
  std::filesystem::copy_file(golden / "model.safetensors", dir / "model/model.safetensors");
  std::ifstream in(golden / "config.json");
  auto config = nlohmann::json::parse(in);
  config["num_experts_per_tok"] = 1;
  std::ofstream(dir / "model/config.json") << config;
  std::ofstream(dir / "model/tokenizer.json") << letters_tokenizer();
  std::ofstream(dir / "text.txt") << std::string(2000, 'a');
  const Outcome run = lqlora(fmt::format(
      "quantize {0}/model --bits 3.5 --rank 2 --seq-len 24 --samples 8 --data {0}/text.txt -o {0}/q",
      dir.path().string()));
  ASSERT_EQ(run.code, 0) << run.errors;
  EXPECT_NE(run.errors.find("w2 never fires on this text"), std::string::npos) << run.errors;
  EXPECT_EQ(lqlora(fmt::format("--quiet generate {}/q --prompt ab --max-tokens 3", dir.path().string())).code,
            0);
}

INSTANTIATE_TEST_SUITE_P(All, FamiliesE2e,
                         testing::Values("gemma2", "gemma3", "gpt2", "phi3", "smollm3", "olmo2", "granite",
                                         "mixtral", "qwen3_moe", "gpt_oss", "gpt_oss_mxfp4"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace lq::e2e
