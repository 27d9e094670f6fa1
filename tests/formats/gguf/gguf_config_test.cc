#include "formats/gguf/gguf_config.h"

#include <gtest/gtest.h>

#include <functional>

#include "formats/gguf/gguf_test_file.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

class GgufConfigTest : public testing::Test {
 protected:
  GgufConfig config_with(const std::function<void(GgufKeys&)>& more, std::vector<GgufSpec> extra = {}) {
    GgufKeys keys;
    gguf_test::add_llama_keys(keys);
    more(keys);
    std::vector<GgufSpec> specs = gguf_test::llama_specs();
    specs.insert(specs.end(), extra.begin(), extra.end());
    return read(keys, specs);
  }
  GgufConfig read(const GgufKeys& keys, const std::vector<GgufSpec>& specs) {
    gguf_test::write_zeros(dir_ / "m.gguf", keys, specs);
    const GgufFile file(dir_ / "m.gguf");
    return gguf_config(file, GgufMetadata(file.values(), file.who()));
  }
  void expect_refused(ErrorCode code, std::initializer_list<std::string_view> words,
                      const std::function<void(GgufKeys&)>& more) {
    expect_error(code, words, [&] { (void)config_with(more); });
  }

  io_test::TempDir dir_;
};

TEST_F(GgufConfigTest, SaysWhatConfigJsonWould) {
  const GgufConfig c = config_with([](GgufKeys& keys) {
    keys.u32("tokenizer.ggml.bos_token_id", 1);
    keys.u32("llama.expert_count", 0);
  });
  EXPECT_EQ(c.blocks, 1);
  EXPECT_EQ(c.permuted_head_dim, 4);
  EXPECT_EQ(c.config.texts("architectures"), std::vector<std::string>{"LlamaForCausalLM"});
  EXPECT_EQ(c.config.integer("vocab_size"), 5);
  EXPECT_EQ(c.config.integer("num_key_value_heads"), 1);
  EXPECT_EQ(c.config.integer("head_dim"), 4);
  EXPECT_EQ(c.config.number("rms_norm_eps"), 1e-5);
  EXPECT_EQ(c.config.number("rope_theta"), 10000.0);
  EXPECT_TRUE(c.config.boolean("tie_word_embeddings"));
  EXPECT_FALSE(c.config.boolean("attention_bias"));
  EXPECT_FALSE(c.config.has("rope_scaling"));
  EXPECT_EQ(c.config.integer("bos_token_id"), 1);
  EXPECT_FALSE(c.config.has("eos_token_id"));
  EXPECT_EQ(c.config.text("dtype"), "float32");
}

TEST_F(GgufConfigTest, ThePaddingTokenIsOneOfTheRows) {
  const GgufConfig named =
      config_with([](GgufKeys& keys) { keys.u32("tokenizer.ggml.padding_token_id", 3); });
  EXPECT_EQ(named.config.integer("pad_token_id"), 3);
  EXPECT_FALSE(config_with([](GgufKeys&) {}).config.json().contains("pad_token_id"))
      << "Llama's class has none";
}

TEST_F(GgufConfigTest, BiasesAndHeadsOfTheirOwnAreSeen) {
  const GgufConfig c = config_with([](GgufKeys&) {}, {{"output.weight", ggml::GgmlType::kF32, {5, 8}},
                                                      {"blk.0.attn_q.bias", ggml::GgmlType::kF32, {8}},
                                                      {"blk.0.ffn_gate.bias", ggml::GgmlType::kF32, {12}}});
  EXPECT_FALSE(c.config.boolean("tie_word_embeddings"));
  EXPECT_TRUE(c.config.boolean("attention_bias"));
  EXPECT_TRUE(c.config.boolean("mlp_bias"));
}

TEST_F(GgufConfigTest, RotaryScalings) {
  const GgufConfig linear = config_with([](GgufKeys& keys) {
    keys.text("llama.rope.scaling.type", "linear");
    keys.f32("llama.rope.scaling.factor", 4.0F);
    keys.u32("llama.rope.scaling.original_context_length", 16);
  });
  EXPECT_EQ(linear.config.section("rope_scaling").text("rope_type"), "linear");
  EXPECT_EQ(linear.config.section("rope_scaling").number("factor"), 4.0);
  const GgufConfig older = config_with([](GgufKeys& keys) { keys.f32("llama.rope.scale_linear", 2.0F); });
  EXPECT_EQ(older.config.section("rope_scaling").number("factor"), 2.0);
  // As llama.cpp: a factor alone is linear, the newer key goes first, and none is none.
  const GgufConfig alone = config_with([](GgufKeys& keys) { keys.f32("llama.rope.scaling.factor", 4.0F); });
  EXPECT_EQ(alone.config.section("rope_scaling").text("rope_type"), "linear");
  EXPECT_EQ(alone.config.section("rope_scaling").number("factor"), 4.0);
  const GgufConfig below = config_with([](GgufKeys& keys) { keys.f32("llama.rope.scale_linear", 0.5F); });
  EXPECT_EQ(below.config.section("rope_scaling").number("factor"), 0.5);
  const GgufConfig both = config_with([](GgufKeys& keys) {
    keys.f32("llama.rope.scaling.factor", 2.0F);
    keys.f32("llama.rope.scale_linear", 4.0F);
  });
  EXPECT_EQ(both.config.section("rope_scaling").number("factor"), 2.0);
  const GgufConfig none = config_with([](GgufKeys& keys) {
    keys.text("llama.rope.scaling.type", "none");
    keys.f32("llama.rope.scale_linear", 4.0F);
  });
  EXPECT_FALSE(none.config.has("rope_scaling"));
  const GgufConfig yarn = config_with([](GgufKeys& keys) {
    keys.text("llama.rope.scaling.type", "yarn");
    keys.f32("llama.rope.scaling.factor", 4.0F);
    keys.u32("llama.rope.scaling.original_context_length", 16);
    keys.f32("llama.rope.scaling.yarn_beta_fast", 24.0F);
  });
  EXPECT_EQ(yarn.config.section("rope_scaling").integer("original_max_position_embeddings"), 16);
  EXPECT_EQ(yarn.config.section("rope_scaling").number("beta_fast"), 24.0);
  expect_refused(ErrorCode::kUnsupported, {"\"longrope\""},
                 [](GgufKeys& keys) { keys.text("llama.rope.scaling.type", "longrope"); });
  expect_refused(ErrorCode::kNotFound, {"rope.scaling.factor"},
                 [](GgufKeys& keys) { keys.text("llama.rope.scaling.type", "yarn"); });
}

TEST_F(GgufConfigTest, WhatIsNotUnderstoodIsRefusedByName) {
  expect_refused(ErrorCode::kUnsupported, {"m.gguf", "llama.attention.sliding_window"},
                 [](GgufKeys& keys) { keys.u32("llama.attention.sliding_window", 64); });
  expect_refused(ErrorCode::kUnsupported, {"llama.logit_scale"},
                 [](GgufKeys& keys) { keys.f32("llama.logit_scale", 0.5F); });
  expect_refused(ErrorCode::kNotFound, {"llama.expert_used_count"},
                 [](GgufKeys& keys) { keys.u32("llama.expert_count", 8); });
  expect_refused(ErrorCode::kUnsupported, {"llama.attention.causal is false"},
                 [](GgufKeys& keys) { keys.flag("llama.attention.causal", false); });
  expect_refused(ErrorCode::kUnsupported, {"rope.dimension_count is 2"},
                 [](GgufKeys& keys) { keys.u32("llama.rope.dimension_count", 2); });
  expect_refused(ErrorCode::kUnsupported, {"value_length is 8"},
                 [](GgufKeys& keys) { keys.u32("llama.attention.value_length", 8); });
  expect_refused(ErrorCode::kUnsupported, {"general.type is \"adapter\""},
                 [](GgufKeys& keys) { keys.text("general.type", "adapter"); });
  GgufKeys other;
  other.text("general.architecture", "gemma4");
  expect_error(ErrorCode::kUnsupported, {"\"gemma4\"", "llama, qwen2, qwen3"},
               [&] { (void)read(other, {}); });
  GgufKeys dense;
  dense.text("general.architecture", "gemma3");
  dense.u32("gemma3.expert_count", 8);
  expect_error(ErrorCode::kUnsupported, {"gemma3.expert_count is 8"}, [&] { (void)read(dense, {}); });
  GgufKeys keys;
  gguf_test::add_llama_keys(keys);
  expect_error(ErrorCode::kNotFound, {"token_embd.weight"}, [&] { (void)read(keys, {}); });
}

TEST_F(GgufConfigTest, FrequencyFactorsMustBeLlama3s) {
  // All zero: no rule gives that.
  expect_error(ErrorCode::kUnsupported, {"rope_freqs.weight", "not Llama 3's"}, [&] {
    (void)config_with([](GgufKeys&) {}, {{"rope_freqs.weight", ggml::GgmlType::kF32, {2}}});
  });
  expect_error(ErrorCode::kCorruptFile, {"rope_freqs.weight is [3] F32, but must be [2]"}, [&] {
    (void)config_with([](GgufKeys&) {}, {{"rope_freqs.weight", ggml::GgmlType::kF32, {3}}});
  });
}

}  // namespace
}  // namespace lq
