#include "lqlora/finetune.h"

#include <cmath>
#include <fstream>

#include "api_fixture.h"

namespace lqlora {
namespace {

TEST(ApiFinetune, RunsTheWholeJobAndKnowsItAgain) {
  const lq::io_test::TempDir dir;
  Context context({.threads = 2, .seed = 1});
  {
    std::ofstream file(dir / "data.jsonl");
    for (int i = 0; i < 12; ++i)
      file << R"({"prompt": "Say it.", "completion": "The moon is made of tin."})"
           << "\n";
  }
  FinetuneOptions options;
  options.data = {dir / "data.jsonl"};
  options.seq_len = 64;
  options.batch_size = 2;
  options.max_steps = 3;
  options.rank = 2;
  const Checkpoint model = Checkpoint::open(quill());
  const FinetuneReport report = finetune(context, model, dir / "adapter", options);
  EXPECT_EQ(report.steps, 3);
  EXPECT_TRUE(std::isfinite(report.final_loss));
  EXPECT_GT(report.trained_parameters, 0);
  EXPECT_FALSE(report.already_done);
  EXPECT_TRUE(finetune(context, model, dir / "adapter", options).already_done);
  EXPECT_EQ(Model::load(context, model, {.adapter = dir / "adapter"}).modules()[0].rank, 2);
  options.init = "other";
  EXPECT_NE(error_of([&] { finetune(context, model, dir / "x", options); }).find("init other"),
            std::string::npos);
  options.init = "auto";
  options.batch_size = 0;
  EXPECT_NE(error_of([&] { finetune(context, model, dir / "x", options); }).find("batch_size 0"),
            std::string::npos);
}

}  // namespace
}  // namespace lqlora
