// `eval`, `generate`, `chat` and `tokenize` as a user runs them, on the example model quill.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "e2e/run_program.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

using io_test::TempDir;

std::string held_out() { return std::string("'") + lq::test::source_dir() + "/examples/texts/held_out.txt'"; }

nlohmann::json perplexity(const std::string& model, const std::string& more) {
  const Outcome run =
      lqlora("--quiet --json - eval " + model + " --tasks perplexity --data " + held_out() + " " + more);
  EXPECT_EQ(run.code, 0) << run.errors;
  return run.code == 0 ? nlohmann::json::parse(run.out)["perplexity"] : nlohmann::json::object();
}

TEST(EngineE2e, OnePerplexityForAnyNumberOfThreads) {
  const auto one = perplexity(quill(), "--threads 1 --seq-len 128");
  EXPECT_EQ(one["nll_per_token"], perplexity(quill(), "--threads 2 --seq-len 128")["nll_per_token"]);
  EXPECT_EQ(one["nll_per_token"], perplexity(quill(), "--threads 7 --seq-len 128")["nll_per_token"]);
  for (const char* key : {"perplexity", "nll_per_token", "nll_per_byte", "tokens"})
    EXPECT_TRUE(one.contains(key)) << key;
  // A model that knows English, on plain English: far below the 4,096 of guessing.
  EXPECT_GT(one["perplexity"].get<double>(), 10.0);
  EXPECT_LT(one["perplexity"].get<double>(), 200.0);
}

TEST(EngineE2e, PackedModelIsNearTheDenseOneAndItsLowRankPartHelps) {
  const TempDir dir;
  const std::string q = (dir / "q").string();
  ASSERT_EQ(lqlora("--quiet quantize " + quill() + " --nf 2 --rank 8 -o " + q).code, 0);
  const std::string reference = "--seq-len 128 --reference " + quill();
  const double with = perplexity(q, reference)["kl"];
  const double without = perplexity(q, reference + " --no-adapter")["kl"];
  EXPECT_GT(with, 0.0);
  EXPECT_LT(with, without);
}

TEST(EngineE2e, GeneratesTheSameTextTwice) {
  const std::string command =
      "--quiet --seed 5 generate " + quill() +
      " --prompt 'It was a cold evening' --max-tokens 12 --temperature 0.8 --top-p 0.9";
  const Outcome a = lqlora(command);
  EXPECT_EQ(a.code, 0) << a.errors;
  EXPECT_TRUE(a.out.starts_with("It was a cold evening")) << a.out;
  EXPECT_GT(a.out.size(), 30U);
  EXPECT_EQ(a.out, lqlora(command).out);
}

TEST(EngineE2e, GeneratesInEitherPrecision) {
  const TempDir dir;
  const std::string q = (dir / "q").string();
  ASSERT_EQ(lqlora("--quiet quantize " + quill() + " --nf 4 --rank 8 -o " + q).code, 0);
  const std::string command =
      "--quiet generate " + q + " --prompt 'It was a cold evening' --max-tokens 12 --temperature 0";
  const Outcome fast = lqlora(command);
  const Outcome fine = lqlora(command + " --decode-precision fine");
  EXPECT_EQ(fast.code, 0) << fast.errors;
  EXPECT_EQ(fine.code, 0) << fine.errors;
  EXPECT_TRUE(fine.out.starts_with("It was a cold evening")) << fine.out;
  // A hundredth of each product seldom turns the first choice, never a text of this length into nonsense.
  EXPECT_EQ(fast.out.substr(0, 30), fine.out.substr(0, 30));
  EXPECT_EQ(lqlora(command + " --decode-precision fast").out, fast.out);
  EXPECT_EQ(lqlora(command + " --decode-precision exact").code, 2);
}

TEST(EngineE2e, TokenizesThereAndBack) {
  const std::string text = "It was a cold evening, and the naïve café was closed.";
  const Outcome ids = shell("printf '%s\\n' '" + text + "' | " + program() + " tokenize " + quill());
  ASSERT_EQ(ids.code, 0) << ids.errors;
  const Outcome back =
      shell("printf '%s' '" + ids.out + "' | " + program() + " tokenize --decode " + quill());
  EXPECT_EQ(back.out, text + "\n");
  EXPECT_EQ(shell("echo 'x y' | " + program() + " --quiet tokenize --decode " + quill()).code, 1);
}

TEST(EngineE2e, ChatsInANamedFormat) {
  const Outcome run = shell("printf 'Who are you?\\n\\n' | " + program() + " --quiet chat " + quill() +
                            " --format vicuna --max-tokens 5");
  EXPECT_EQ(run.code, 0) << run.errors;
  EXPECT_EQ(lqlora("chat " + quill() + " --format nonsense < /dev/null").code, 2);
}

// What was said stays, whatever ends the conversation; lines may end as on Windows.
TEST(EngineE2e, AChatBeyondTheContextKeepsItsTurns) {
  const TempDir dir;
  io_test::put_file(dir / "lines.txt", "Who are you?\r\n" + std::string(6000, 'q') + "\r\nAnd then?\r\n");
  const std::string json = (dir / "chat.json").string();
  const Outcome run = shell(program() + " --quiet --json " + json + " chat " + quill() +
                            " --format vicuna --max-tokens 5 < " + (dir / "lines.txt").string());
  EXPECT_EQ(run.code, 1);
  EXPECT_TRUE(run.errors.find("no room in a context of 1024: it ends after 1 turns") != std::string::npos)
      << run.errors;
  const auto turns = nlohmann::json::parse(io_test::get_file(json))["turns"];
  ASSERT_EQ(turns.size(), 1U);
  EXPECT_EQ(turns[0]["user"], "Who are you?");
}

TEST(EngineE2e, BadInputGetsOneLine) {
  const TempDir dir;
  io_test::put_file(dir / "empty.txt", "");
  for (const std::string& arguments :
       {"eval " + quill() + " --tasks perplexity --data " + (dir / "empty.txt").string(),
        "eval " + quill() + " --tasks perplexity --data " + held_out() + " --seq-len 100000",
        "eval " + quill() + " --tasks perplexity --data " + (dir / "missing.txt").string(),
        "generate " + quill() + " --prompt x --adapter " + (dir / "missing").string()}) {
    const Outcome run = lqlora("--quiet " + arguments);
    EXPECT_EQ(run.code, 1) << arguments;
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
  }
}

}  // namespace
}  // namespace lq::e2e
