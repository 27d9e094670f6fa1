// config.json of every age against transformers (tests/goldens/make_config_goldens.py).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "models/golden_numbers.h"
#include "models/registry.h"

namespace lq {
namespace {

void expect_frequencies(const ModelSpec& spec, std::int64_t tokens, const std::vector<double>& want) {
  const std::vector<float> have = rope_frequencies(spec.rope, spec.head_dim(), tokens);
  ASSERT_EQ(have.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(have[i], want[i], 2e-6 * want[i]) << tokens << ' ' << i;
}

TEST(ConfigGoldens, EveryAgeAndPlaceOfAKeyAsInTransformers) {
  std::ifstream in(golden::folder() / "configs.json");
  const auto cases = nlohmann::json::parse(in);
  ASSERT_GT(cases.size(), 200U);
  for (const auto& c : cases) {
    SCOPED_TRACE(c["config"].dump());
    if (c.contains("error")) continue;  // what transformers takes for wrong may be read or refused
    const ModelSpec spec = model_spec(JsonObject::parse(c["config"].dump(), "config.json"));
    const auto numbers = c["inv_freq"].get<std::vector<double>>();
    expect_frequencies(spec, 20, numbers);
    expect_frequencies(spec, 300,
                       c.contains("inv_freq_long") ? c["inv_freq_long"].get<std::vector<double>>() : numbers);
    EXPECT_NEAR(spec.rope.attention_factor, c["attention_factor"].get<double>(), 1e-6);
    for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
      EXPECT_EQ(spec.blocks[i].attention.window, c["windows"][i].get<std::int64_t>()) << "layer " << i;
    }
    const BlockSpec& block = spec.blocks.front();
    EXPECT_EQ(block.attention.head_dim, c["head_dim"].get<std::int64_t>());
    EXPECT_EQ(block.attention.kv_heads, c["kv_heads"].get<std::int64_t>());
    EXPECT_EQ(block.attention.qkv_bias, c["qkv_bias"].get<bool>());
    EXPECT_EQ(block.attention.output_bias, c["output_bias"].get<bool>());
    EXPECT_EQ(block.mlp.bias, c["mlp_bias"].get<bool>());
    EXPECT_EQ(spec.tied_embeddings, c["tied"].get<bool>());
    EXPECT_NEAR(block.norm.eps, c["eps"].get<double>(), 1e-12);
    EXPECT_EQ(spec.eos, c["eos"].get<std::vector<std::int64_t>>());
  }
}

}  // namespace
}  // namespace lq
