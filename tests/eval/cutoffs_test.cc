// Against transformers' logits processors (tests/goldens/make_generation_goldens.py).
#include "eval/cutoffs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "eval/generation_config.h"
#include "files/json_file.h"
#include "support/paths.h"

namespace lq {
namespace {

using Kept = std::vector<std::int32_t>;

Kept ids_of(const std::vector<Choice>& choices) {
  Kept ids;
  for (const Choice& c : choices) ids.push_back(c.id);
  return ids;
}

// Weights need not add up to 1.
TEST(Cutoffs, KeepTheLikeliestAtLeastAndTheOrder) {
  const std::vector<Choice> four = {{7, 4.0}, {2, 2.0}, {5, 1.0}, {1, 1.0}};  // entropy 1.21 nats
  const auto kept = [&four](auto&& cut) {
    std::vector<Choice> choices = four;
    cut(choices);
    return ids_of(choices);
  };
  EXPECT_EQ(kept([](auto& c) { keep_above_epsilon(c, 0.125); }), (Kept{7, 2, 5, 1}));
  EXPECT_EQ(kept([](auto& c) { keep_above_epsilon(c, 0.2); }), (Kept{7, 2}));
  EXPECT_EQ(kept([](auto& c) { keep_above_epsilon(c, 0.99); }), Kept{7});
  // Surprise of id 2 is 1.39: the nearest to the entropy; of id 7 0.69, of the last two 2.08.
  EXPECT_EQ(kept([](auto& c) { keep_typical(c, 0.2); }), Kept{2});
  EXPECT_EQ(kept([](auto& c) { keep_typical(c, 0.5); }), (Kept{7, 2}));
  EXPECT_EQ(kept([](auto& c) { keep_typical(c, 0.76); }), (Kept{7, 2, 5, 1}));
  EXPECT_EQ(kept([](auto& c) { keep_above_eta(c, 0.5); }), (Kept{7, 2}));  // of 0.21
  EXPECT_EQ(kept([](auto& c) { keep_above_eta(c, 0.01); }), (Kept{7, 2, 5, 1}));
}

TEST(Cutoffs, TokensAreDrawnAsTransformersDoes) {
  const auto all =
      read_ordered_json(std::filesystem::path(test::source_dir()) / "tests/goldens/generation.json");
  constexpr int kTimes = 4000;
  int cases = 0;
  for (const auto& c : all.at("cutoffs")) {
    nlohmann::ordered_json keys = c.at("keys");
    keys["do_sample"] = true;
    if (!keys.contains("top_k")) keys["top_k"] = 0;
    SamplerOptions options = GenerationConfig::parse(keys.dump(), "f").options({});
    options.seed = 11;
    Sampler sampler(options);
    const auto logits = c.at("logits").get<std::vector<float>>();
    std::map<std::int32_t, int> counts;
    for (int i = 0; i < kTimes; ++i) ++counts[sampler.pick(logits, Kept{1, 3}, {1, 20})];
    for (std::size_t id = 0; id < logits.size(); ++id) {
      const double p = c.at("probabilities")[id];
      const int count = counts[static_cast<std::int32_t>(id)];
      if (p == 0.0) {
        EXPECT_EQ(count, 0) << c.dump() << " at " << id;
      }
      // Five standard deviations of a binomial.
      EXPECT_NEAR(count / double{kTimes}, p, 5.0 * std::sqrt(p * (1 - p) / kTimes) + 1e-6) << c.dump();
    }
    ++cases;
  }
  EXPECT_GE(cases, 40);
}

}  // namespace
}  // namespace lq
