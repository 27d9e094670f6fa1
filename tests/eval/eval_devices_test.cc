// What is measured of a model on another device than the processor: the same but for rounding.
#include <gtest/gtest.h>

#include <filesystem>

#include "eval/greedy_texts.h"
#include "eval/likelihood.h"
#include "eval/perplexity.h"
#include "models/placement.h"
#include "ops/device_memory.h"
#include "ops/op_driver.h"
#include "support/paths.h"

namespace lq {
namespace {

class EvalDevices : public ::testing::Test {
 protected:
  std::filesystem::path llama_ = std::filesystem::path(test::source_dir()) / "tests/goldens/llama";
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};

  std::vector<LikelihoodRequest> requests() const {
    return {{{1, 5, 9, 13, 20, 21}, 2, false},
            {{1, 5, 9, 13, 20, 22}, 2, false},
            {{1, 5, 9, 13, 30}, 1, false},
            {{2, 3}, 1, false},
            {{1, 5, 9, 13, 20, 21, 40, 41, 42}, 5, false}};
  }
  std::vector<std::int32_t> ids() const {
    std::vector<std::int32_t> all;
    for (int i = 0; i < 70; ++i) all.push_back((i * i + 3 * i) % 50);
    return all;
  }
};

TEST_F(EvalDevices, LikelihoodsAndPerplexityAreTheProcessors) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  const Model here = Model::load(ctx_, llama_);
  const Model other = Model::load(ctx_, llama_);
  const auto all = requests();
  LikelihoodOptions options;
  options.reference = &other;
  const LikelihoodReport want = log_likelihoods(ctx_, here, all, options);
  PerplexityOptions text;
  text.seq_len = 16;
  text.reference = &other;
  const PerplexityResult perplexity = perplexity_of_ids(ctx_, here, ids(), -1, text);
  for (const Device device : devices) {
    const auto queue = open_device_queue(device);
    Context there = ctx_;
    there.device = device;
    there.queue = queue.get();
    Model model = Model::load(there, llama_);
    Model reference = Model::load(there, llama_);
    move_model(there, model, {});
    move_model(there, reference, {});
    options.reference = &reference;
    const LikelihoodReport have = log_likelihoods(there, model, all, options);
    ASSERT_EQ(have.likelihoods.size(), want.likelihoods.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_NEAR(have.likelihoods[i].log_likelihood, want.likelihoods[i].log_likelihood, 1e-3) << i;
      EXPECT_NEAR(have.likelihoods[i].reference, want.likelihoods[i].reference, 1e-3) << i;
      EXPECT_NEAR(have.likelihoods[i].kl, 0.0, 1e-5) << i;
      EXPECT_EQ(have.likelihoods[i].greedy, want.likelihoods[i].greedy) << i;
    }
    text.reference = &reference;
    const PerplexityResult r = perplexity_of_ids(there, model, ids(), -1, text);
    EXPECT_NEAR(r.nll_per_token, perplexity.nll_per_token, 1e-4);
    EXPECT_NEAR(*r.kl, 0.0, 1e-5);
    EXPECT_EQ(r.tokens, perplexity.tokens);
  }
}

TEST_F(EvalDevices, GreedyTextsAreTheProcessors) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  const auto quill = std::filesystem::path(test::source_dir()) / "examples/models/quill";
  const auto tokenizer = Tokenizer::load(quill);
  const std::vector<std::vector<std::int32_t>> prompts = {tokenizer->encode("The sea", true),
                                                          tokenizer->encode("Snow fell on", true)};
  const GreedyOptions options{.max_tokens = 4};
  const Model here = Model::load(ctx_, quill);
  const auto want = greedy_texts(ctx_, here, *tokenizer, prompts, options);
  for (const Device device : devices) {
    const auto queue = open_device_queue(device);
    Context there = ctx_;
    there.device = device;
    there.queue = queue.get();
    Model model = Model::load(there, quill);
    move_model(there, model, {});
    EXPECT_EQ(greedy_texts(there, model, *tokenizer, prompts, options), want);
  }
}

}  // namespace
}  // namespace lq
