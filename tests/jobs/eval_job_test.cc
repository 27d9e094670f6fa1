#include "jobs/eval_job.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "base/error.h"
#include "files/json_file.h"
#include "formats/checkpoint_reader.h"
#include "formats/safetensors_writer.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using io_test::expect_error;
using Scores = nlohmann::ordered_json;

// Asks to stop when so many steps were reported; 0: never.
class StoppingProgress final : public Progress {
 public:
  explicit StoppingProgress(int after) : left_(after) {}
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {
    if (--left_ == 0) stop_ = true;
  }
  void end() override {}
  void note(std::string_view line) override { notes_.emplace_back(line); }
  const std::atomic<bool>* flag() const { return &stop_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  int left_;
  std::atomic<bool> stop_ = false;
  std::vector<std::string> notes_;
};

class EvalJobTest : public ::testing::Test {
 protected:
  io_test::TempDir dir_;
  ThreadPool pool_{2};
  std::vector<std::string> notes_;

  EvalOptions options(std::vector<std::string> tasks) const {
    EvalOptions o;
    o.model.model = fs::path(test::source_dir()) / "examples/models/quill";
    o.data = fs::path(test::source_dir()) / "tests/goldens/tasks/data";
    o.tasks = std::move(tasks);
    return o;
  }
  Scores run(const EvalOptions& o, int stop_after = 0, const OnTask& on_task = {}) {
    StoppingProgress progress(stop_after);
    Context ctx{pool_, progress, 7, StopToken(progress.flag())};
    Scores scores = eval_job(ctx, o, on_task);
    notes_ = progress.notes();
    return scores;
  }
  void put(const std::string& name, const std::string& text) const {
    fs::create_directories((dir_ / name).parent_path());
    io_test::put_file(dir_ / name, text);
  }
  // A low-rank part of rank 1 of one matrix, all of these values.
  void put_adapter(const std::string& name, float value) const {
    const std::string module = "model.layers.0.self_attn.q_proj";
    const CheckpointReader reader(dir_ / "model/model.safetensors");
    const Shape shape = reader.at(module + ".weight").shape();
    const std::string at = "base_model.model." + module;
    const std::vector<TensorSpec> specs = {{at + ".lora_A.weight", DType::kF32, {1, shape[1]}},
                                           {at + ".lora_B.weight", DType::kF32, {shape[0], 1}}};
    put(name + "/adapter_config.json",
        R"({"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]})");
    SafetensorsWriter writer(dir_ / name / "adapter_model.safetensors", specs, {});
    for (const TensorSpec& spec : specs) {
      const std::vector<float> values(static_cast<std::size_t>(spec.shape[0] * spec.shape[1]), value);
      writer.append(spec.name, values.data(), values.size() * sizeof(float));
    }
    writer.finish();
  }
  std::string read(const std::string& name) const { return read_text(dir_ / name); }
};

TEST_F(EvalJobTest, WritesResultsInTheHarnesssSchemaAndLeavesNothingElse) {
  EvalOptions o = options({"mmlu", "gsm8k"});
  o.max_tokens = 4;
  o.out = dir_ / "results.json";
  o.samples = dir_ / "samples.jsonl";
  std::vector<std::string> names;
  const Scores scores = run(o, 0, [&](const std::string& name, const Scores&) { names.push_back(name); });
  EXPECT_EQ(names, (std::vector<std::string>{"mmlu", "gsm8k"}));
  const nlohmann::json results = read_json(o.out);
  EXPECT_EQ(results["results"]["mmlu"]["acc,none"], scores["mmlu"]["acc"]);
  EXPECT_EQ(results["results"]["mmlu_anatomy"]["acc,none"], scores["mmlu"]["subjects"]["anatomy"]["acc"]);
  EXPECT_TRUE(results["results"]["gsm8k"].contains("exact_match,strict-match"));
  EXPECT_EQ(results["n-shot"]["gsm8k"], 5);
  EXPECT_EQ(results["config"]["model"], "lqlora");
  const std::string samples = read("samples.jsonl");
  EXPECT_EQ(std::count(samples.begin(), samples.end(), '\n'), 7 + 3);
  EXPECT_FALSE(fs::exists(dir_ / "results.json.work"));
}

TEST_F(EvalJobTest, ARunThatWasStoppedEndsInTheSameBytes) {
  EvalOptions o = options({"arc_easy", "gsm8k"});
  o.max_tokens = 6;
  o.out = dir_ / "whole.json";
  o.samples = dir_ / "whole.jsonl";
  run(o);
  o.out = dir_ / "stopped.json";
  o.samples = dir_ / "stopped.jsonl";
  expect_error(ErrorCode::kInterrupted, {}, [&] { run(o, 1); });
  EXPECT_FALSE(fs::exists(o.out));
  EXPECT_FALSE(fs::exists(o.samples));
  EXPECT_TRUE(fs::exists(dir_ / "stopped.json.work/arc_easy.answers"));
  run(o);
  ASSERT_FALSE(notes_.empty());
  EXPECT_NE(notes_[0].find("going on"), std::string::npos);
  EXPECT_EQ(read("stopped.json"), read("whole.json"));
  EXPECT_EQ(read("stopped.jsonl"), read("whole.jsonl"));
  EXPECT_FALSE(fs::exists(dir_ / "stopped.json.work"));
}

TEST_F(EvalJobTest, AnotherCommandsWorkIsRefused) {
  EvalOptions o = options({"arc_easy", "piqa"});
  o.out = dir_ / "r.json";
  expect_error(ErrorCode::kInterrupted, {}, [&] { run(o, 1); });
  o.shots = 1;
  expect_error(ErrorCode::kInvalidArgument, {"num_fewshot"}, [&] { run(o); });
  put("r2.json", "{\"mine\": 1}");
  o.out = dir_ / "r2.json";
  expect_error(ErrorCode::kInvalidArgument, {"r2.json", "results file"}, [&] { run(o); });
}

TEST_F(EvalJobTest, AnotherConfigOrAdapterIsAnotherJob) {
  EvalOptions o = options({"arc_easy", "piqa"});
  fs::copy(o.model.model, dir_ / "model");
  o.model.model = dir_ / "model";
  o.out = dir_ / "config.json";
  expect_error(ErrorCode::kInterrupted, {}, [&] { run(o, 1); });
  nlohmann::json config = read_json(dir_ / "model/config.json");
  config["rms_norm_eps"] = 0.125;
  write_json(dir_ / "model/config.json", config);
  expect_error(ErrorCode::kInvalidArgument, {"another job", "config_hash"}, [&] { run(o); });

  o.out = dir_ / "adapter.json";
  o.model.adapter = dir_ / "adapter";
  put_adapter("adapter", 0.0F);
  expect_error(ErrorCode::kInterrupted, {}, [&] { run(o, 1); });
  put_adapter("adapter", 0.5F);
  expect_error(ErrorCode::kInvalidArgument, {"another job", "adapter_hash"}, [&] { run(o); });
  put_adapter("adapter", 0.0F);
  run(o);
  EXPECT_TRUE(fs::exists(o.out));
}

TEST_F(EvalJobTest, PerplexityAtSeveralWindowsGoesOnToo) {
  EvalOptions o = options({"perplexity:64", "perplexity:128"});
  o.data = fs::path(test::source_dir()) / "examples/texts/harbour_log_held_out.txt";
  const Scores whole = run(o);
  EXPECT_EQ(whole["perplexity:64"]["seq_len"], 64);
  EXPECT_NE(whole["perplexity:128"]["convention"].get<std::string>().find("windows of 128"),
            std::string::npos);
  EXPECT_NE(whole["perplexity:64"]["perplexity"], whole["perplexity:128"]["perplexity"]);
  o.out = dir_ / "r.json";
  expect_error(ErrorCode::kInterrupted, {}, [&] { run(o, 2); });
  const Scores resumed = run(o);
  EXPECT_EQ(resumed["perplexity:64"]["perplexity"], whole["perplexity:64"]["perplexity"]);
  EXPECT_EQ(resumed["perplexity:128"]["perplexity"], whole["perplexity:128"]["perplexity"]);
  EXPECT_EQ(read_json(o.out)["results"]["perplexity:64"]["perplexity,none"],
            whole["perplexity:64"]["perplexity"]);
}

TEST_F(EvalJobTest, ATaskOfTheUsersOwn) {
  const fs::path file = fs::path(test::source_dir()) / "tests/goldens/tasks/harbour_quiz.toml";
  EvalOptions o = options({file.string()});
  o.reference = o.model.model;
  const Scores scores = run(o);
  EXPECT_EQ(scores["harbour_quiz"]["documents"], 3);
  EXPECT_EQ(scores["harbour_quiz"]["shots"], 2);
  EXPECT_EQ(scores["harbour_quiz"]["flips"], 0.0);
}

TEST_F(EvalJobTest, VicunaWritesAnswersAndPairs) {
  put("q.jsonl", R"({"question_id": 1, "category": "math", "turns": ["Two and two?", "And three?"]})"
                 "\n"
                 R"({"question_id": 2, "category": "generic", "turns": ["Why?"]})");
  EvalOptions o = options({"vicuna"});
  o.data = dir_ / "q.jsonl";
  o.format = "vicuna";
  o.max_tokens = 4;
  o.answers = dir_ / "answers.jsonl";
  o.judge_pairs = dir_ / "pairs.jsonl";
  o.reference = o.model.model;
  o.reference_id = "dense";
  const Scores scores = run(o);
  EXPECT_EQ(scores["vicuna"]["questions"], 2);
  const std::string first = read("answers.jsonl").substr(0, read("answers.jsonl").find('\n'));
  const auto answer = nlohmann::json::parse(first);
  EXPECT_EQ(answer["model_id"], "quill");
  EXPECT_EQ(answer["choices"][0]["turns"].size(), 2U);
  const std::string pairs = read("pairs.jsonl");
  EXPECT_NE(pairs.find("\"model_2\":\"dense\""), std::string::npos);
  EXPECT_EQ(std::count(pairs.begin(), pairs.end(), '\n'), 2);
  o.limit = 1;
  EXPECT_EQ(run(o)["vicuna"]["questions"], 1);
}

TEST_F(EvalJobTest, BadDataIsNamed) {
  const auto refused = [&](const std::string& task, ErrorCode code,
                           std::initializer_list<std::string_view> parts) {
    EvalOptions o = options({task});
    o.data = dir_.path();
    expect_error(code, parts, [&] { run(o); });
  };
  refused("openbookqa", ErrorCode::kNotFound, {"openbookqa", "no such folder"});
  put("arc_easy/train.jsonl", "{}");
  refused("arc_easy", ErrorCode::kNotFound, {"arc_easy", "no test split", "test.jsonl"});
  put("piqa/valid.jsonl", "\n");
  refused("piqa", ErrorCode::kCorruptFile, {"valid.jsonl", "no documents"});
  put("hellaswag/validation.jsonl",
      R"({"activity_label": "a", "ctx_a": "b", "ctx_b": "c", "endings": ["d", "e"], "label": 2})");
  refused("hellaswag", ErrorCode::kCorruptFile, {"validation.jsonl:1", "'label'", "one of the choices"});
  put("arc_challenge/test.jsonl",
      R"({"question": "q", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "C"})");
  refused("arc_challenge", ErrorCode::kCorruptFile, {"test.jsonl:1", "answerKey", "label of a choice"});
}

}  // namespace
}  // namespace lq
