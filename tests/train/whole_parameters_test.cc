#include "train/whole_parameters.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/progress.h"
#include "support/paths.h"

namespace lq {
namespace {

class WholeParametersTest : public testing::Test {
 protected:
  Model load(const char* golden) {
    return Model::load(ctx_, std::filesystem::path(test::source_dir()) / "tests" / "goldens" / golden);
  }

  ThreadPool pool_{1};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 3, {}};
};

// By what they are for, whatever a family calls them: GPT-2's are ln_1, ln_2 and ln_f.
TEST_F(WholeParametersTest, NormsLearnWithTheirBiases) {
  Model model = load("gpt2");
  const std::vector<Parameter*> all = train_whole(model, {.whole = {"norms"}});
  EXPECT_EQ(std::ssize(all), 2 * (2 * model.spec().layers() + 1));
  for (const Parameter* p : all) {
    EXPECT_NE(p->name.find("ln_"), std::string::npos) << p->name;
    EXPECT_TRUE(p->trainable()) << p->name;
  }
}

// GPT-2's head is its embedding: asked for by both names, it is there once.
TEST_F(WholeParametersTest, ATiedPairIsOneParameter) {
  Model model = load("gpt2");
  const std::vector<Parameter*> all = train_whole(model, {.whole = {"embeddings", "head"}});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0], &model.embedding().table());
}

// As PEFT's modules_to_save in an adapter that is loaded to be trained.
TEST_F(WholeParametersTest, WhatAnAdapterReplacedGoesOnLearning) {
  for (const LoraStart start : {LoraStart::kAdapter, LoraStart::kStacked}) {
    Model model = load("gpt2");
    const std::string& name = model.embedding().table().name;
    const std::vector<Parameter*> all =
        train_whole(model, {.start = start, .replaced = {name, "no.such.weight"}});
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0]->name, name);
    EXPECT_EQ(all[0]->trainable(), start == LoraStart::kAdapter);
  }
}

TEST_F(WholeParametersTest, WhatTheModelHasNotIsRefused) {
  Model model = load("gpt2");
  try {
    train_whole(model, {.whole = {"pooler"}});
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(e.what(), "train pooler: the model has none that is not packed");
  }
}

}  // namespace
}  // namespace lq
