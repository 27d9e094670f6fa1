#include "cli/run_recipe.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq::cli {
namespace {

class RunRecipeTest : public testing::Test {
 protected:
  Recipe read(const std::string& text) {
    io_test::put_file(dir_ / "r.toml", text);
    return read_recipe(dir_ / "r.toml");
  }
  // Behind the file's name.
  std::string error_of(const std::string& text) {
    try {
      read(text);
    } catch (const Error& e) {
      const std::string what = e.what();
      const std::string file = (dir_ / "r.toml").string();
      return what.starts_with(file) ? what.substr(file.size()) : what;
    }
    return "none";
  }

  io_test::TempDir dir_;
};

TEST_F(RunRecipeTest, StepsAreCommandsOfTheProgram) {
  const Recipe r = read(
      "seed = 7\nthreads = 2\ndevice = \"cpu\"\n"
      "[quantize]\nout = \"o p\"\nnf = 3\nno-feedback = true\nmodel = \"m\"\ninclude = [\"*a\", \"b\"]\n"
      "[[finetune]]\nmodel = \"m\"\ndata = \"d.jsonl\"\nlr = 1e-3\nfull = false\nout = \"a\"\n");
  EXPECT_EQ(r.flags.seed, 7U);
  EXPECT_EQ(r.flags.threads, 2);
  EXPECT_EQ(r.flags.device, "cpu");
  ASSERT_EQ(r.commands.size(), 2U);
  EXPECT_EQ(command_line(r.commands[0], {}),
            "lqlora quantize m '--out=o p' --nf=3 --no-feedback '--include=*a' --include=b");
  EXPECT_EQ(command_line(r.commands[1], {}), "lqlora finetune m --data=d.jsonl --lr=0.001 --out=a");
  const RecipeFlags flags = {.seed = 3, .threads = 2, .device = "cuda:1"};
  EXPECT_EQ(command_line(r.commands[1], flags).find("lqlora --seed 3 --threads 2 --device cuda:1 finetune m"),
            0U)
      << "what the recipe says above its steps is of each";
  EXPECT_EQ(r.commands[1].line, 10);
  for (const RecipeCommand& c : r.commands) EXPECT_TRUE(static_cast<bool>(c.action));
}

TEST_F(RunRecipeTest, WhatIsWrongIsSaidWithItsLineBeforeAnyWork) {
  EXPECT_EQ(error_of(""), ": there is no step in it, such as [quantize]");
  EXPECT_EQ(error_of("[quantise]\n").rfind(":1: [quantise] is no step (steps are quantize, ", 0), 0U);
  EXPECT_NE(error_of("[quantise]\n").find("did you mean 'quantize'?"), std::string::npos);
  for (const char* verb : {"chat", "run", "data"})
    EXPECT_EQ(
        error_of("[" + std::string(verb) + "]\n").rfind(":1: [" + std::string(verb) + "] is no step", 0), 0U);
  EXPECT_EQ(error_of("[finetune]\nmodel = \"m\"\nseq_len = 3\n"),
            ":3: seq_len is no option of finetune (did you mean 'seq-len'?)");
  EXPECT_EQ(error_of("[finetune]\nhelp = true\n").rfind(":2: help is no option", 0), 0U);
  EXPECT_EQ(error_of("[finetune]\nfull = 3\n"), ":2: full is a switch: expected true or false");
  EXPECT_EQ(error_of("[finetune]\nrank = true\n"), ":2: rank is true or false, expected a value");
  EXPECT_EQ(error_of("[finetune]\nmodel = \"-x\"\n"), ":2: model begins with '-': write ./-x");
  EXPECT_EQ(
      error_of("[finetune]\nmodel = \"m\"\nout = \"o\"\n").rfind(":1: [finetune] --data is required", 0), 0U);
  EXPECT_EQ(error_of("[quantize]\nmodel = \"m\"\nout = \"o\"\nnf = 9\n").rfind(":1: [quantize] --nf", 0), 0U);
  EXPECT_EQ(error_of("speed = 3\n[eval]\n").rfind(":1: speed is not for the top", 0), 0U);
  EXPECT_EQ(error_of("device = \"gpu\"\n[eval]\n").rfind(":1: device is not for the top", 0), 0U);
  EXPECT_EQ(error_of("seed = -1\n[eval]\n").rfind(":1: seed is not for the top", 0), 0U);
}

}  // namespace
}  // namespace lq::cli
