// Model::modules() and what asks it.
#include <gtest/gtest.h>

#include <map>

#include "models/model.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

struct OneThread {
  ThreadPool pool{1};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
};

TEST(Modules, ListsEveryLinearOnce) {
  OneThread m;
  io_test::TempDir dir;
  reference::write_random_model(m.pool, {}, dir / "model");
  Model model = Model::load(m.ctx, dir / "model");
  const std::vector<Module> modules = model.modules();
  ASSERT_EQ(modules.size(), 2 * 7 + 1U);
  const std::vector<std::pair<const char*, Role>> block = {
      {"self_attn.q_proj", Role::kQ}, {"self_attn.k_proj", Role::kK}, {"self_attn.v_proj", Role::kV},
      {"self_attn.o_proj", Role::kO}, {"mlp.gate_proj", Role::kGate}, {"mlp.up_proj", Role::kUp},
      {"mlp.down_proj", Role::kDown}};
  for (std::size_t i = 0; i < 14; ++i) {
    const Module& module = modules[i];
    EXPECT_EQ(module.name, fmt::format("model.layers.{}.{}", i / 7, block[i % 7].first));
    EXPECT_EQ(module.role, block[i % 7].second);
    EXPECT_EQ(module.layer, static_cast<std::int64_t>(i / 7));
    EXPECT_EQ(module.linear->name(), module.name);
    EXPECT_TRUE(module.in_block() && module.owns_weight());
    EXPECT_EQ(model.find_linear(module.name), module.linear);
  }
  const Module& head = modules.back();
  EXPECT_EQ(head.name, "lm_head");
  EXPECT_EQ(head.role, Role::kHead);
  EXPECT_FALSE(head.in_block());
  EXPECT_TRUE(head.owns_weight());
  EXPECT_EQ(model.find_linear("lm_head"), head.linear);
  EXPECT_EQ(model.find_linear("model.layers.2.mlp.up_proj"), nullptr);
}

// What reads one input has one group; nothing else has.
TEST(Modules, InputGroups) {
  OneThread m;
  io_test::TempDir dir;
  reference::write_random_model(m.pool, {}, dir / "model");
  Model model = Model::load(m.ctx, dir / "model");
  std::map<std::int64_t, std::string> groups;
  for (const Module& module : model.modules())
    groups[module.input_group] += std::string(role_name(module.role)) + " ";
  std::vector<std::string> have;
  for (const auto& [group, roles] : groups) have.push_back(roles);
  EXPECT_EQ(have, (std::vector<std::string>{"q k v ", "o ", "gate up ", "down ", "q k v ", "o ", "gate up ",
                                            "down ", "lm_head "}));
}

TEST(Modules, ATiedHeadNamesItsPartner) {
  OneThread m;
  Model model = Model::load(m.ctx, std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "qwen2");
  ASSERT_TRUE(model.spec().tied_embeddings);
  const Module head = model.modules().back();
  EXPECT_FALSE(head.owns_weight());
  EXPECT_EQ(head.tied, (std::vector<std::string>{"model.embed_tokens.weight"}));
}

// An adapter beside nothing but the head is an adapter.
TEST(Modules, AnAdapterOfTheHeadAlone) {
  OneThread m;
  io_test::TempDir dir;
  reference::write_random_model(m.pool, {}, dir / "model");
  Model model = Model::load(m.ctx, dir / "model");
  EXPECT_FALSE(model.has_adapter());
  auto lora = std::make_unique<Lora>();
  lora->a.value = Tensor::zeros(DType::kF32, {2, 64});
  lora->b.value = Tensor::zeros(DType::kF32, {97, 2});
  model.head().projection().set_lora(std::move(lora));
  EXPECT_TRUE(model.has_adapter());
  model.train_adapters();
  EXPECT_EQ(model.trainable().size(), 2U);
}

}  // namespace
}  // namespace lq
