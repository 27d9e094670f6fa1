// The whole job on the example model: what it writes, and what it refuses.
#include "train/finetune.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/file_descriptor.h"
#include "files/job.h"
#include "files/json_file.h"
#include "formats/peft_adapter.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

class FinetuneTest : public testing::Test {
 protected:
  FinetuneTest() {
    std::string text;
    for (int i = 0; i < 60; ++i)
      text += fmt::format("Line {} of a poem about the sea and {} ships.\n", i, i * 7);
    options_.model = fs::path(lq::test::source_dir()) / "examples" / "models" / "quill";
    options_.out = dir_ / "out";
    options_.data.train = {{write("poem.txt", text)}};
    options_.data.examples.max_length = 32;
    options_.lora.rank = 2;
    options_.lora.targets = {"q_proj", "v_proj"};
    options_.train.batch.rows = 2;
    options_.train.max_steps = 2;
  }
  fs::path write(const std::string& name, const std::string& bytes) {
    std::ofstream(dir_ / name, std::ios::binary) << bytes;
    return dir_ / name;
  }
  FinetuneReport run(const FinetuneOptions& o, std::uint64_t seed = 0) {
    Context ctx{pool_, progress_, seed, {}};
    return finetune(ctx, o);
  }
  template <typename Change>
  std::string error_of(const Change& change, std::uint64_t seed = 0) {
    FinetuneOptions o = options_;
    change(o);
    try {
      run(o, seed);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  static bool has(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
    return text.find(part) != std::string::npos;
  }

  io_test::TempDir dir_;
  FinetuneOptions options_;
  ThreadPool pool_{2};
  NoProgress progress_;
};

TEST_F(FinetuneTest, WritesAnAdapterThatNamesItsBase) {
  options_.data.examples.validation = 0.2;
  options_.lora.whole = {"norms"};
  const FinetuneReport report = run(options_);
  EXPECT_EQ(report.training.state.step, 2);
  EXPECT_EQ(report.modules, 12);
  EXPECT_GT(report.validation_examples, 0);
  EXPECT_FALSE(report.already_done);
  Context ctx{pool_, progress_, 0, {}};
  const Model base = Model::load(ctx, options_.model);
  const PeftAdapterReader adapter(options_.out);
  EXPECT_EQ(adapter.base_hash(), base.base_hash(ctx));
  EXPECT_EQ(adapter.pairs().size(), 12u);
  // Two norms a block, and the last one.
  EXPECT_EQ(adapter.replaced().size(), 13u);
  EXPECT_EQ(adapter.config().modules_to_save,
            (std::vector<std::string>{"input_layernorm", "norm", "post_attention_layernorm"}));
  for (const char* name : {"log.jsonl", "lqlora.json", "best/adapter_model.safetensors"}) {
    EXPECT_TRUE(fs::exists(options_.out / name)) << name;
  }
  EXPECT_FALSE(fs::exists(options_.out / ".work"));
  // The validation loss is that of the adapter as it is read back.
  ModelLoadOptions load;
  load.adapter = options_.out;
  Model tuned = Model::load(ctx, options_.model, load);
  EXPECT_TRUE(tuned.has_adapter());
  const TensorView* norm = adapter.replaced().data();
  EXPECT_EQ(tuned.find_parameter(norm->name())->value.numel(), norm->numel());

  // The same again: nothing to do. Another: refused, and what differs is named.
  const FinetuneReport again = run(options_);
  EXPECT_TRUE(again.already_done);
  EXPECT_EQ(again.training.state.loss, report.training.state.loss);
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.train.lr = 1e-5; }), "lr was 0.0002, now 1e-05"));
  EXPECT_TRUE(has(error_of([](FinetuneOptions&) {}, 5), "seed was 0, now 5"));
  EXPECT_TRUE(has(error_of([&](FinetuneOptions& o) {
                    std::ofstream(dir_ / "poem.txt", std::ios::app) << "One line more.\n";
                    o.data.examples.max_length = 32;
                  }),
                  "examples_hash was"));
  options_.train.lr = 1e-5;
  options_.overwrite = true;
  EXPECT_FALSE(run(options_).already_done);
}

TEST_F(FinetuneTest, AnAdapterGoesOnFromAnother) {
  run(options_);
  FinetuneOptions second = options_;
  second.adapter = options_.out;
  second.out = dir_ / "second";
  second.lora = {};
  const FinetuneReport report = run(second);
  EXPECT_EQ(report.modules, 12);
  EXPECT_EQ(PeftAdapterReader(second.out).config().r, 2);
}

TEST_F(FinetuneTest, LearnsWhatAReferenceSays) {
  options_.data.examples.validation = 0.2;
  const fs::path quill = options_.model;
  options_.reference = quill;
  const FinetuneReport report = run(options_);
  EXPECT_EQ(report.reference, "quill");
  // B = 0 at first: it says itself what the reference says.
  EXPECT_NEAR(*report.training.state.first_validation_loss, 0.0, 1e-6);
  EXPECT_EQ(run(options_).reference, "quill");
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.reference.clear(); }), "reference_hash"));
  ThreadPool pool(1);
  reference::write_random_model(pool, {}, dir_ / "other");
  EXPECT_TRUE(has(error_of([&](FinetuneOptions& o) { o.reference = dir_ / "other"; }),
                  "97 tokens in its vocabulary, but 4096"));
}

TEST_F(FinetuneTest, TwoRunsOnOneFolderAreRefused) {
  const Job held(options_.out, {.job = {{"verb", "finetune"}}});
  EXPECT_TRUE(has(error_of([](FinetuneOptions&) {}), "another process is writing it"));
}

TEST_F(FinetuneTest, BadDataIsNamed) {
  const auto with = [&](const std::string& name, const std::string& bytes, bool skip = false) {
    return error_of([&](FinetuneOptions& o) {
      o.data.train = {{write(name, bytes)}};
      o.data.examples.records.skip_bad = skip;
    });
  };
  EXPECT_TRUE(
      has(error_of([&](FinetuneOptions& o) { o.data.train = {{dir_ / "none.jsonl"}}; }), "none.jsonl"));
  EXPECT_TRUE(has(with("a.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\nnot json\n"), "a.jsonl:2"));
  EXPECT_TRUE(has(with("b.jsonl", ""), "no example to train on"));
  EXPECT_TRUE(has(error_of([&](FinetuneOptions& o) { o.data.validation = {{dir_ / "b.jsonl"}}; }),
                  "b.jsonl: 0 records read"));
  EXPECT_TRUE(has(error_of([&](FinetuneOptions& o) { o.data.validation = {{dir_ / "b.jsonl"}}; }),
                  "no example to validate on"));
  EXPECT_TRUE(has(with("c.jsonl", "x\ny\n", true), "2 bad"));
  EXPECT_TRUE(has(with("d.jsonl", "{\"prompt\": \"a\", \"completion\": 3}\n"), "d.jsonl:1"));
  EXPECT_TRUE(has(with("e.jsonl", "{\"question\": \"a\"}\n"), "e.jsonl:1"));
  // Nothing in it counts: the prompt fills the row.
  std::string words;
  for (int i = 0; i < 200; ++i) words += "word ";
  EXPECT_TRUE(has(with("f.jsonl", "{\"prompt\": \"" + words + "\", \"completion\": \"b\"}\n"),
                  "no example to train on"));
  EXPECT_TRUE(has(error_of([&](FinetuneOptions& o) { o.data.chat_template = "no such"; }), "no such"));
  EXPECT_FALSE(fs::exists(options_.out));
}

TEST_F(FinetuneTest, BadFlagsAreNamed) {
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.train.lr = 0; }), "lr is 0"));
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.data.examples.max_length = 2048; }), "seq-len"));
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.lora.targets = {"w_proj"}; }), "target w_proj"));
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.lora.whole = {"biases"}; }), "train biases"));
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.out = o.model; }), "is the input itself"));
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.data.train.clear(); }), "data"));
  EXPECT_FALSE(fs::exists(options_.out));
}

TEST_F(FinetuneTest, WhatAsksForValidationNeedsExamples) {
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.train.early_stop = 2; }), "early-stop needs examples"));
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.train.eval_every = 1; }), "eval-every needs examples"));
  EXPECT_TRUE(
      has(error_of([](FinetuneOptions& o) { o.train.end_with_best = true; }), "final needs examples"));
  EXPECT_TRUE(has(error_of([](FinetuneOptions& o) { o.data.examples.validation = 1e-6; }),
                  "val-share is 1e-06, which leaves none"));
  EXPECT_FALSE(fs::exists(options_.out));
}

// What an adapter holds whole goes on learning, as in PEFT.
TEST_F(FinetuneTest, WholeTensorsOfAnAdapterGoOnLearning) {
  options_.lora.whole = {"norms"};
  options_.train.lr = 1e-2;
  options_.train.schedule = ScheduleKind::kConstant;
  options_.train.warmup = 0;
  run(options_);
  FinetuneOptions more = options_;
  more.lora = {};
  more.adapter = options_.out;
  more.out = dir_ / "more";
  run(more);
  const PeftAdapterReader first(options_.out);
  const PeftAdapterReader second(more.out);
  ASSERT_EQ(second.replaced().size(), 13U);
  for (std::size_t i = 0; i < 13; ++i) {
    const Tensor a = first.replaced()[i].copy_f32(), b = second.replaced()[i].copy_f32();
    EXPECT_NE(std::memcmp(a.raw(), b.raw(), a.bytes()), 0) << first.replaced()[i].name();
  }
}

// The same tensors under another config.json are another model.
TEST_F(FinetuneTest, AChangedConfigIsAnotherJob) {
  fs::copy(options_.model, dir_ / "model");
  options_.model = dir_ / "model";
  run(options_);
  EXPECT_TRUE(run(options_).already_done);
  auto config = nlohmann::ordered_json::parse(std::ifstream(dir_ / "model" / "config.json"));
  config["rms_norm_eps"] = 1e-3;
  std::ofstream(dir_ / "model" / "config.json") << config.dump();
  EXPECT_TRUE(has(error_of([](FinetuneOptions&) {}), "config_hash"));
}

}  // namespace
}  // namespace lq
