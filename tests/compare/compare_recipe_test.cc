// Recipes as they should be, and every way in which one can be wrong.
#include "compare/compare_recipe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

class CompareRecipeTest : public testing::Test {
 protected:
  CompareRecipeTest() {
    for (const char* name : {"model/config.json", "a.txt", "b.txt"}) io_test::put_file(dir_ / name, "x");
  }
  // The lines of a whole recipe, one of them replaced.
  static std::string recipe(const std::string& from = "", const std::string& to = "") {
    std::string text =
        "model = \"model\"\n"                          // 1
        "methods = [\"lora\", \"qlora\", \"ours\"]\n"  // 2
        "bits = [2.5, 3]\n"                            // 3
        "seeds = [0, 5]\n"                             // 4
        "rank = 8\n"                                   // 5
        "[calibrate]\n"                                // 6
        "data = \"a.txt\"\n"                           // 7
        "samples = 16\n"                               // 8
        "[finetune]\n"                                 // 9
        "data = [\"a.txt:0.5\", \"b.txt\"]\n"          // 10
        "max-steps = 5\n"                              // 11
        "lr = 1e-3\n"                                  // 12
        "[eval]\n"                                     // 13
        "data = \"b.txt\"\n";                          // 14
    if (from.empty()) return text;
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("no such line: " + from);
    return text.replace(at, from.size(), to);
  }
  CompareRecipe parse(const std::string& text) const { return parse_compare_recipe(text, dir_ / "r.toml"); }
  std::string error(const std::string& from, const std::string& to) const {
    try {
      parse(recipe(from, to));
    } catch (const Error& e) {
      const std::string what = e.what(), prefix = (dir_ / "r.toml").string() + ":";
      return what.starts_with(prefix) ? what.substr(prefix.size()) : what;
    }
    return "none";
  }
  io_test::TempDir dir_;
};

TEST_F(CompareRecipeTest, ReadsAWholeOne) {
  const CompareRecipe r = parse(recipe());
  EXPECT_EQ(r.model, fs::weakly_canonical(dir_ / "model"));
  EXPECT_EQ(r.methods, (std::vector{CompareMethod::kLora, CompareMethod::kQlora, CompareMethod::kOurs}));
  EXPECT_EQ(r.bits, (std::vector{2.5, 3.0}));
  EXPECT_EQ(r.seeds, (std::vector<std::uint64_t>{0, 5}));
  EXPECT_EQ(r.rank, 8);
  EXPECT_EQ(r.calibration.samples, 16);
  ASSERT_EQ(r.finetune.data.train.size(), 2u);
  EXPECT_EQ(r.finetune.data.train[0].weight, 0.5);
  EXPECT_EQ(r.finetune.train.max_steps, 5);
  EXPECT_EQ(r.finetune.train.lr, 1e-3);
  EXPECT_EQ(r.texts, (std::vector<fs::path>{fs::weakly_canonical(dir_ / "b.txt")}));
  EXPECT_EQ(r.text.seq_len, 512);
  // For the identity of a cell: no paths, and nothing that changes no result.
  EXPECT_EQ(r.finetune_settings, (nlohmann::json{{"max-steps", 5}}));
  // What --full excludes.
  for (const char* key : {"train", "dropout", "alpha"})
    EXPECT_EQ(std::count(r.adapter_settings.begin(), r.adapter_settings.end(), key), 1) << key;
}

TEST_F(CompareRecipeTest, KnowsWhatTheWorkReads) {
  const CompareRecipe r = parse(recipe());
  const fs::path a = fs::weakly_canonical(dir_ / "a.txt"), b = fs::weakly_canonical(dir_ / "b.txt");
  EXPECT_EQ(r.inputs(), (std::vector<fs::path>{r.file, r.model, a, a, b, b}))
      << "calibration, examples, held out";
}

TEST_F(CompareRecipeTest, LeavesTheDefaultsOfFinetune) {
  const FinetuneOptions o = parse(recipe("lr = 1e-3\n", "")).finetune;
  EXPECT_EQ(o.train.lr, TrainOptions().lr);
  EXPECT_EQ(o.train.batch.rows, 4);
  EXPECT_EQ(o.data.examples.max_length, 512);
  EXPECT_TRUE(o.choose_activations);
  EXPECT_EQ(o.train.precision, MatmulPrecision::kI16);
}

TEST_F(CompareRecipeTest, ReadsEveryFlagOfFinetune) {
  const FinetuneOptions o =
      parse(recipe(
                "lr = 1e-3\n",
                "batching = \"plain\"\nno-shuffle = true\nbatch-size = 3\ngrad-accum = 2\nlr = 2\n"
                "schedule = \"linear\"\nwarmup = 4\noptimizer = \"adamw8bit\"\nbeta1 = 0.5\nbeta2 = 0.6\n"
                "eps = 1e-6\nweight-decay = 0.1\nclip = 0\neval-every = 7\nearly-stop = 2\nfinal = \"last\"\n"
                "save-every = 9\nkeep = 3\nrecompute = \"always\"\nmatmul-precision = \"f32\"\nalpha = "
                "16\nrslora = true\n"
                "target = [\"q_proj\"]\ntrain = \"norms\"\ndropout = 0.1\nlora-plus = 4\n"
                "compress-adapter = \"nf8\"\nval-data = \"a.txt\"\nval-share = 0.1\nseq-len = 64\n"
                "drop-long = true\nskip-bad = true\nchat-template = \"chatml\"\nfields = \"prompt=q\"\n"
                "train-on = \"all\"\n"))
          .finetune;
  EXPECT_EQ(o.train.batch.batching, Batching::kPlain);
  EXPECT_FALSE(o.train.batch.shuffle);
  EXPECT_EQ(o.train.batch.rows, 3);
  EXPECT_EQ(o.train.accumulate, 2);
  EXPECT_EQ(o.train.schedule, ScheduleKind::kLinear);
  EXPECT_EQ(o.train.warmup, 4.0);
  EXPECT_TRUE(o.train.adam.eight_bit);
  EXPECT_EQ(o.train.adam.beta1, 0.5);
  EXPECT_EQ(o.train.adam.beta2, 0.6);
  EXPECT_EQ(o.train.adam.eps, 1e-6);
  EXPECT_EQ(o.train.weight_decay, 0.1);
  EXPECT_EQ(o.train.clip, 0.0);
  EXPECT_EQ(o.train.eval_every, 7);
  EXPECT_EQ(o.train.early_stop, 2);
  EXPECT_EQ(o.train.end_with_best, false);
  EXPECT_EQ(o.train.save_every, 9);
  EXPECT_EQ(o.train.keep, 3);
  EXPECT_EQ(o.train.activations, Keep::kBlocks);
  EXPECT_FALSE(o.choose_activations);
  EXPECT_EQ(o.train.precision, MatmulPrecision::kF32);
  EXPECT_EQ(o.lora.alpha, 16.0);
  EXPECT_TRUE(o.lora.rslora);
  EXPECT_EQ(o.lora.targets, std::vector<std::string>{"q_proj"});
  EXPECT_EQ(o.lora.whole, std::vector<std::string>{"norms"});
  EXPECT_EQ(o.train.dropout, 0.1);
  EXPECT_EQ(o.train.lora_plus, 4.0);
  EXPECT_TRUE(o.compress);
  EXPECT_EQ(o.data.validation.size(), 1u);
  EXPECT_EQ(o.data.examples.validation, 0.1);
  EXPECT_EQ(o.data.examples.max_length, 64);
  EXPECT_TRUE(o.data.examples.drop_long);
  EXPECT_TRUE(o.data.examples.records.skip_bad);
  EXPECT_EQ(o.data.chat_template, "chatml");
  EXPECT_EQ(o.data.examples.format.fields.at("prompt"), "q");
  EXPECT_TRUE(o.data.examples.encode.train_on_all);
}

TEST_F(CompareRecipeTest, AMethodMayHaveItsOwnLearningRate) {
  const CompareRecipe r = parse(recipe("[eval]", "[lr]\nlora = 0.5\n[eval]"));
  EXPECT_EQ(r.rates_of(CompareMethod::kLora), std::vector{0.5});
  EXPECT_EQ(r.rates_of(CompareMethod::kOurs), std::vector{1e-3});
  EXPECT_EQ(error("[eval]", "[lr]\nlora = 0\n[eval]"), "14: lr.lora is not a number above 0");
  EXPECT_EQ(error("[eval]", "[lr]\nlor = 1\n[eval]"),
            "14: lr.lor is not known here (did you mean 'lr.lora'?)");
}

TEST_F(CompareRecipeTest, WhatValidatesNeedsExamplesForIt) {
  for (const char* line : {"early-stop = 2", "eval-every = 3", "final = \"best\""}) {
    const std::string text = std::string("lr = 1e-3\n") + line + "\n";
    EXPECT_NE(error("lr = 1e-3\n", text).find("needs examples to validate on"), std::string::npos) << line;
    EXPECT_EQ(error("lr = 1e-3\n", text + "val-share = 0.1\n"), "none") << line;
  }
  EXPECT_EQ(error("lr = 1e-3\n", "lr = 1e-3\nfinal = \"last\"\nearly-stop = 0\n"), "none");
}

TEST_F(CompareRecipeTest, ValidationPicksOneOfSeveralRates) {
  const CompareRecipe r = parse(recipe(
      "lr = 1e-3\n[eval]", "lr = [1e-3, 3e-3]\nval-share = 0.1\n[lr]\nours = [1, 2]\nqlora = 5\n[eval]"));
  EXPECT_EQ(r.rates_of(CompareMethod::kLora), (std::vector{1e-3, 3e-3}));
  EXPECT_EQ(r.rates_of(CompareMethod::kOurs), (std::vector{1.0, 2.0}));
  EXPECT_EQ(r.rates_of(CompareMethod::kQlora), std::vector{5.0});
  EXPECT_EQ(r.finetune_settings, (nlohmann::json{{"max-steps", 5}, {"val-share", 0.1}}));
  EXPECT_TRUE(error("lr = 1e-3", "lr = [1e-3, 3e-3]").starts_with("12: finetune.lr is a list, of which"));
  EXPECT_TRUE(error("[eval]", "[lr]\nours = [1, 2]\n[eval]").starts_with("14: lr.ours is a list, of which"));
  EXPECT_EQ(error("lr = 1e-3", "lr = [1, 1]"), "12: finetune.lr names something twice");
  EXPECT_EQ(error("lr = 1e-3", "lr = []"), "12: finetune.lr is empty");
}

TEST_F(CompareRecipeTest, RefusesWithFileAndLine) {
  EXPECT_EQ(error("rank = 8", "rankk = 8"), "5: rankk is not known here (did you mean 'rank'?)");
  EXPECT_EQ(error("rank = 8", "rank = 0"), "5: rank is 0, but must be 1 to 1048576");
  EXPECT_EQ(error("rank = 8", "rank = 8.5"), "5: rank is a number, expected an integer");
  EXPECT_TRUE(
      error("\"qlora\"", "\"qlra\"").starts_with("2: methods holds \"qlra\", expected some of full, "));
  EXPECT_EQ(error("\"qlora\"", "\"lora\""), "2: methods names something twice");
  EXPECT_EQ(error("[2.5, 3]", "[2.5, 2.5]"), "3: bits names something twice");
  EXPECT_EQ(error("[2.5, 3]", "[-1]"), "3: bits holds -1, expected above 0 and at most 16");
  EXPECT_EQ(error("[2.5, 3]", "[]"), "3: bits is empty");
  EXPECT_EQ(error("[0, 5]", "[-1]"), "4: seeds holds -1, expected 0 or more");
  EXPECT_TRUE(
      error("max-steps = 5", "max-steps = 0").starts_with("11: finetune.max-steps is 0, but must be 1"));
  EXPECT_EQ(error("max-steps = 5", "max-steps = 5\nepochs = 1"),
            "12: finetune.epochs and finetune.max-steps exclude each other");
  EXPECT_EQ(error("lr = 1e-3", "lr = 0"), "12: finetune.lr is not a number above 0");
  EXPECT_EQ(error("lr = 1e-3", "lr = nan"), "12: finetune.lr is a number, expected a finite number");
  EXPECT_EQ(error("lr = 1e-3", "optimizer = \"sgd\""),
            "12: finetune.optimizer is 'sgd', but must be adamw or adamw8bit");
  EXPECT_TRUE(error("lr = 1e-3", "init = \"zero\"").starts_with("12: finetune.init is not for a recipe"));
  EXPECT_TRUE(error("lr = 1e-3", "rslora = true").starts_with("12: finetune.rslora needs finetune.alpha"));
  EXPECT_TRUE(error("a.txt:0.5", "a.txt:-1").starts_with("10: finetune.data is wrong: "));
  EXPECT_TRUE(error("model = \"model\"", "model = \"modl\"").ends_with("modl, which does not exist"));
  EXPECT_TRUE(error("samples = 16", "samples = 0").starts_with("8: calibrate.samples is 0, but must be 1"));
  EXPECT_TRUE(error("samples = 16", "stats = \"b.txt\"").starts_with("8: calibrate.stats and"));
  EXPECT_TRUE(error("samples = 16", "self = 16").starts_with("8: calibrate.self and"));
  EXPECT_EQ(error("data = \"a.txt\"\n", ""),
            "2: methods holds \"ours\", which needs statistics: name a text as data in [calibrate]");
  EXPECT_TRUE(error("rank = 8", "configs = [\"5,5\"]").starts_with("5: configs is wrong: "));
  EXPECT_TRUE(error("rank = 8", "rank = = 8").starts_with("5:"));
}

TEST_F(CompareRecipeTest, NamesWhatIsMissing) {
  EXPECT_TRUE(error("model = \"model\"\n", "").ends_with("model is missing: a dense Hugging Face directory"));
  EXPECT_NE(error("bits = [2.5, 3]\n", "").find("bits is missing"), std::string::npos);
  EXPECT_NE(error("[eval]\ndata = \"b.txt\"\n", "").find("eval.data is missing"), std::string::npos);
  EXPECT_THROW(read_compare_recipe(dir_ / "none.toml"), Error);
  // Dense methods alone need no budget.
  std::string dense = recipe("bits = [2.5, 3]\n", "");
  dense.replace(dense.find("\"lora\", \"qlora\", \"ours\""), 23, "\"lora\"");
  EXPECT_TRUE(parse(dense).bits.empty());
}

TEST_F(CompareRecipeTest, PathsMayNameTheEnvironment) {
  ::setenv("LQ_TEST_TEXTS", dir_.path().c_str(), 1);
  EXPECT_EQ(parse(recipe("data = \"b.txt\"", "data = \"${LQ_TEST_TEXTS}/b.txt\"")).texts[0],
            fs::weakly_canonical(dir_ / "b.txt"));
  EXPECT_EQ(error("data = \"b.txt\"", "data = \"${LQ_TEST_NO}/b.txt\""),
            "14: eval.data names the environment variable LQ_TEST_NO, which is not set");
}

TEST_F(CompareRecipeTest, BenchmarksBesideTheTexts) {
  fs::create_directories(dir_ / "tasks");
  const std::string more =
      "data = \"b.txt\"\ntasks = [\"piqa\", \"mmlu\"]\ntasks-data = \"tasks\"\nlimit = 7\n";
  const CompareRecipe r = parse(recipe("data = \"b.txt\"\n", more + "num-fewshot = 0\n"));
  EXPECT_EQ(r.tasks, (std::vector<std::string>{"piqa", "mmlu"}));
  EXPECT_EQ(r.tasks_data.filename(), "tasks");
  EXPECT_EQ(r.limit, 7);
  EXPECT_EQ(r.shots, 0);
  EXPECT_FALSE(parse(recipe("data = \"b.txt\"\n", more)).shots);
  const auto with = [&](const std::string& lines) {
    return error("data = \"b.txt\"\n", "data = \"b.txt\"\n" + lines);
  };
  EXPECT_NE(with("tasks = [\"pika\"]\n").find("did you mean piqa"), std::string::npos);
  EXPECT_NE(with("tasks = [\"piqa\", \"piqa\"]\n").find("twice"), std::string::npos);
  EXPECT_NE(with("tasks = [\"piqa\"]\n").find("tasks-data"), std::string::npos);
  for (const std::string name : {"perplexity", "vicuna", "quiz.toml"}) {
    const std::string message = with("tasks = [\"" + name + "\"]\n");
    EXPECT_NE(message.find("benchmarks by their names"), std::string::npos) << message;
  }
  EXPECT_NE(with("limit = 3\n").find("eval.limit"), std::string::npos);
}

TEST_F(CompareRecipeTest, TheInstructionsRecipeReads) {
  io_test::put_file(dir_ / "guanaco-llama2-1k.jsonl", "{}");
  for (const char* name : {"MODEL", "OASST", "BENCHMARKS"}) setenv(name, dir_.path().c_str(), 1);
  const CompareRecipe r = read_compare_recipe(fs::path(test::source_dir()) / "examples/recipes/oasst.toml");
  EXPECT_EQ(r.tasks.size(), 5U);
  EXPECT_EQ(r.limit, 200);
  for (const char* name : {"MODEL", "OASST", "BENCHMARKS"}) unsetenv(name);
}

}  // namespace
}  // namespace lq
