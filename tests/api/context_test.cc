#include "lqlora/context.h"

#include "api_fixture.h"

namespace lqlora {
namespace {

class Counting : public Progress {
 public:
  void begin(std::string_view stage, std::int64_t, std::string_view) override {
    stages += std::string(stage) + ";";
  }
  void update(std::int64_t, std::string_view) override { ++updates; }
  void end() override {}
  void note(std::string_view) override {}
  std::string stages;
  int updates = 0;
};

TEST(ApiContext, ThreadsAndSeed) {
  const Context context({.threads = 3, .seed = 7});
  EXPECT_EQ(context.threads(), 3);
  EXPECT_EQ(context.seed(), 7U);
}

TEST(ApiContext, TellsOfProgressAndStopsWhenAsked) {
  Counting progress;
  std::atomic<bool> stop{false};
  Context context({.threads = 1, .progress = &progress, .stop = &stop});
  const Model model = Model::load(context, Checkpoint::open(quill()));
  const Tokenizer tokenizer = Tokenizer::load(quill());
  perplexity(context, model, tokenizer, "The sea was calm. The wind was not.", {.seq_len = 8});
  EXPECT_NE(progress.stages, "");
  EXPECT_GT(progress.updates, 0);
  stop = true;
  try {
    perplexity(context, model, tokenizer, "The sea was calm.");
    FAIL() << "went on";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInterrupted);
  }
}

}  // namespace
}  // namespace lqlora
