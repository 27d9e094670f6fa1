#include "train/finetune_hashes.h"

#include <gtest/gtest.h>

#include <set>

#include "base/progress.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "train/lora_setup.h"

namespace lq {
namespace {

TEST(FinetuneHashes, EveryPartOfAnExampleCounts) {
  const EncodedExample one = {.ids = {1, 2, 3}, .in_loss = {0, 1, 1}};
  std::vector<std::vector<EncodedExample>> others = {{one}, {one, one}, {}};
  const auto changed = [&](const auto& change) {
    others.push_back({one});
    change(others.back()[0]);
  };
  changed([](EncodedExample& e) { e.ids[2] = 4; });
  changed([](EncodedExample& e) { e.in_loss[0] = 1; });
  changed([](EncodedExample& e) { e.types = {0, 0, 1}; });
  changed([](EncodedExample& e) { e.label = 0.0F; });
  changed([](EncodedExample& e) { e.label = 1.0F; });
  // The same numbers, cut elsewhere.
  others.push_back({{.ids = {1}, .in_loss = {0}}, {.ids = {2, 3}, .in_loss = {1, 1}}});
  std::set<std::string> hashes;
  for (const auto& examples : others) hashes.insert(hash_of_examples(examples));
  EXPECT_EQ(hashes.size(), others.size());
  EXPECT_EQ(hash_of_examples({one}), hash_of_examples(others[0]));
}

TEST(FinetuneHashes, OfTheStartAreItsFactorsAndWhatTheyAreScaledBy) {
  const io_test::TempDir dir;
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 3, {}};
  reference::write_random_model(pool, {}, dir / "model");
  Model model = Model::load(ctx, dir / "model");
  EXPECT_EQ(hash_of_start(model, {}), "none");
  const std::string table = model.embedding().table().name;
  const std::string replaced = hash_of_start(model, {table});
  lora_setup(ctx, model, {.rank = 2});
  Lora& lora = *model.find_linear("model.layers.1.mlp.up_proj")->lora();
  std::set<std::string> hashes = {"none", replaced, hash_of_start(model, {})};
  lora.b.value.mutable_data<float>()[3] = 1.0F;
  hashes.insert(hash_of_start(model, {}));
  lora.scaling *= 2.0F;
  hashes.insert(hash_of_start(model, {}));
  hashes.insert(hash_of_start(model, {table}));
  EXPECT_EQ(hashes.size(), 6U);
}

}  // namespace
}  // namespace lq
