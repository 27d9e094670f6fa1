#include "train/full_model.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/checkpoint_reader.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "support/paths.h"
#include "train/finetune.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(lq::test::source_dir()) / "tests" / "goldens" / "llama";
const fs::path kQuill = fs::path(lq::test::source_dir()) / "examples" / "models" / "quill";

TEST(FullModel, WhatIsWrittenIsReadBack) {
  const io_test::TempDir dir;
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Model model = Model::load(ctx, kGolden);
  const std::vector<TensorSpec> specs = train_all_parameters(model);
  EXPECT_EQ(specs.size(), model.parameters().size());
  EXPECT_EQ(model.trainable().size(), model.parameters().size());
  float next = 0.25F;
  for (Parameter* p : model.parameters()) p->value.mutable_data<float>()[p->value.numel() - 1] = next += 1.0F;
  write_full_model(model, specs, dir / "out");
  Model again = Model::load(ctx, dir / "out");
  ASSERT_EQ(again.parameters().size(), specs.size());
  for (Parameter* p : model.parameters()) {
    const Tensor& value = again.find_parameter(p->name)->value;
    ASSERT_EQ(value.bytes(), p->value.bytes()) << p->name;  // the golden is f32
    EXPECT_EQ(std::memcmp(value.raw(), p->value.raw(), value.bytes()), 0) << p->name;
  }
}

// Whose files hold stacks of the experts, also in blocks; none is written in blocks.
TEST(FullModel, StacksOfExpertsAreWrittenAgain) {
  for (const char* name : {"gpt_oss", "gpt_oss_mxfp4"}) {
    const io_test::TempDir dir;
    ThreadPool pool(2);
    NoProgress progress;
    Context ctx{pool, progress, 0, {}};
    Model model = Model::load(ctx, kGolden.parent_path() / name, {.decode_all = true});
    const std::vector<TensorSpec> specs = train_all_parameters(model);
    write_full_model(model, specs, dir / "out");
    const CheckpointReader files(dir / "out");
    const TensorView* const stack = files.find("model.layers.0.mlp.experts.gate_up_proj");
    ASSERT_NE(stack, nullptr);
    const MlpSpec& mlp = model.spec().blocks.front().mlp;
    EXPECT_EQ(stack->shape(), (Shape{mlp.experts, model.spec().hidden, 2 * mlp.inner}));
    Model again = Model::load(ctx, dir / "out", {.decode_all = true});
    EXPECT_FALSE(again.hf_config().json().contains("quantization_config"));
    ASSERT_EQ(again.parameters().size(), model.parameters().size());
    for (Parameter* p : again.parameters()) p->make_trainable();
    for (Parameter* p : model.parameters()) {
      const Tensor& value = again.find_parameter(p->name)->value;
      ASSERT_EQ(value.bytes(), p->value.bytes()) << p->name;
      EXPECT_EQ(std::memcmp(value.raw(), p->value.raw(), value.bytes()), 0) << p->name;
    }
  }
}

TEST(FullModel, APackedModelIsRefused) {
  const io_test::TempDir dir;
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  reference::write_random_model(pool, {.bits = 3}, dir / "model");
  Model model = Model::load(ctx, dir / "model");
  EXPECT_THROW(train_all_parameters(model), Error);
}

TEST(FullModel, TheWholeJobWritesAModelThatLearned) {
  const io_test::TempDir dir;
  std::ofstream(dir / "sea.txt") << [] {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "The sea was calm and the ships lay still in the bay.\n";
    return text;
  }();
  FinetuneOptions options;
  options.model = kQuill;
  options.out = dir / "out";
  options.full = true;
  options.data.train = {{dir / "sea.txt"}};
  options.data.validation = {{dir / "sea.txt"}};
  options.data.examples.max_length = 64;
  options.train.batch.rows = 2;
  options.train.max_steps = 4;
  options.train.schedule = ScheduleKind::kConstant;
  options.train.warmup = 0;
  options.train.lr = 2e-3;  // so that even norms in bf16 change
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const FinetuneReport report = finetune(ctx, options);
  EXPECT_LT(*report.training.state.validation_loss, *report.training.state.first_validation_loss);
  EXPECT_TRUE(fs::exists(options.out / "tokenizer.json"));
  EXPECT_TRUE(fs::exists(options.out / "best" / "config.json"));
  EXPECT_FALSE(fs::exists(options.out / "adapter_config.json"));
  const CheckpointReader before(kQuill);
  const CheckpointReader after(options.out);
  ASSERT_EQ(after.tensors().size(), before.tensors().size());
  std::int64_t parameters = 0;
  for (const TensorView& view : before.tensors()) {
    const TensorView& learned = after.at(view.name());
    EXPECT_EQ(learned.dtype(), DType::kF32) << view.name() << ": bf16 would lose what small rates change";
    ASSERT_EQ(learned.shape(), view.shape()) << view.name();
    const Tensor was = view.copy_f32();
    EXPECT_NE(std::memcmp(learned.data, was.raw(), was.bytes()), 0) << view.name();
    parameters += view.numel();
  }
  EXPECT_EQ(report.parameters, parameters);
  EXPECT_TRUE(finetune(ctx, options).already_done);
  // What is written is what was measured.
  FinetuneOptions on = options;
  on.full = false;
  on.model = options.out;
  on.out = dir / "on";
  on.lora.rank = 1;
  on.train.max_steps = 1;
  EXPECT_EQ(*finetune(ctx, on).training.state.first_validation_loss, *report.training.state.validation_loss);
  const auto config = nlohmann::json::parse(std::ifstream(options.out / "config.json"));
  for (const char* key : {"dtype", "torch_dtype"}) {
    if (config.contains(key)) {
      EXPECT_EQ(config[key], "float32");
    }
  }

  FinetuneOptions with_rank = options;
  with_rank.lora.rank = 4;
  with_rank.out = dir / "other";
  EXPECT_THROW(finetune(ctx, with_rank), Error);
  EXPECT_FALSE(fs::exists(with_rank.out));
}

}  // namespace
}  // namespace lq
