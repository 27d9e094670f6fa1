// Names and orders of files that differ from the model's own. Whole models stand against transformers in
// tests/models/golden_test.cc.
#include "formats/stored_layout.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"

namespace lq {
namespace {

JsonObject layout_config(const char* text) { return JsonObject::parse(text, "config.json"); }

struct Held {
  std::vector<float> values;
  TensorView view(std::string name, Shape shape) {
    TensorView v;
    v.spec = {std::move(name), DType::kF32, std::move(shape)};
    values.resize(static_cast<std::size_t>(v.spec.numel()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    v.data = reinterpret_cast<const std::byte*>(values.data());
    v.bytes = values.size() * sizeof(float);
    return v;
  }
};

TEST(StoredLayout, Gpt2IsTransposedAndNamed) {
  const JsonObject config = layout_config(R"({"model_type": "gpt2"})");
  Held weight, bias, buffer;
  const auto views =
      own_layout(config,
                 {weight.view("h.0.mlp.c_fc.weight", {2, 3}), bias.view("h.0.mlp.c_fc.bias", {3}),
                  buffer.view("h.0.attn.bias", {1, 1, 2, 2})},
                 "X");
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].name(), "transformer.h.0.mlp.c_fc.weight");
  EXPECT_EQ(views[0].shape(), (Shape{3, 2}));
  const Tensor own = views[0].copy_f32();
  EXPECT_EQ(std::vector<float>(own.data<float>(), own.data<float>() + 6),
            (std::vector<float>{0, 3, 1, 4, 2, 5}));
  float middle[3];
  views[0].to_f32(2, 3, middle);
  EXPECT_EQ(middle[0], 1.0F);
  EXPECT_EQ(middle[2], 2.0F);
  // And back, as files have it.
  EXPECT_EQ(stored_shape(config, views[0].name(), views[0].shape()), (Shape{2, 3}));
  const Tensor stored = stored_values(config, views[0].name(), views[0].copy());
  EXPECT_EQ(std::memcmp(stored.raw(), weight.values.data(), stored.bytes()), 0);
  EXPECT_FALSE(lies_transposed(layout_config(R"({"model_type": "llama"})"), "x.c_fc.weight"));
}

TEST(StoredLayout, TheLanguageModelWithinAModelWithImages) {
  const JsonObject config = layout_config(
      R"({"model_type": "gemma3", "eos_token_id": [1, 106], "text_config": {"model_type": "gemma3_text", "hidden_size": 8}})");
  const auto inner = language_model_config(config);
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->texts("architectures"), std::vector<std::string>{"Gemma3ForCausalLM"});
  EXPECT_EQ(inner->integer("hidden_size"), 8);
  EXPECT_EQ(inner->integers("eos_token_id", 0, 1000).size(), 2U);
  EXPECT_FALSE(language_model_config(layout_config(R"({"model_type": "llama"})")));
  // The whole model's key counts, and where there is none its class's default.
  const auto tied = [](const char* text) {
    return language_model_config(layout_config(text))->boolean("tie_word_embeddings");
  };
  EXPECT_TRUE(tied(R"({"model_type": "gemma3", "text_config": {"tie_word_embeddings": false}})"));
  EXPECT_FALSE(tied(
      R"({"model_type": "gemma3", "tie_word_embeddings": false, "text_config": {"tie_word_embeddings": true}})"));
  EXPECT_NO_THROW(language_model_config(
      layout_config(R"({"model_type": "gemma3", "text_config": {"final_logit_softcapping": null}})")));
  try {  // the class with images does not apply it
    language_model_config(
        layout_config(R"({"model_type": "gemma3", "text_config": {"final_logit_softcapping": 30.0}})"));
    FAIL() << "read";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("text_config.final_logit_softcapping is 30.0"), std::string::npos)
        << e.what();
  }
  Held a, b, c, d;
  const auto views =
      own_layout(config,
                 {a.view("language_model.model.norm.weight", {2}),
                  b.view("model.language_model.layers.0.mlp.up_proj.weight", {2, 2}),
                  c.view("model.vision_tower.x.weight", {2, 2}), d.view("multi_modal_projector.y", {2})},
                 "X");
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].name(), "model.norm.weight");
  EXPECT_EQ(views[1].name(), "model.layers.0.mlp.up_proj.weight");
}

TEST(StoredLayout, StacksOfExpertsBecomeMatrices) {
  Held gate_up, down, router;
  const auto views = own_layout(layout_config(R"({"model_type": "mixtral"})"),
                                {gate_up.view("model.layers.0.mlp.experts.gate_up_proj", {2, 4, 3}),
                                 down.view("model.layers.0.mlp.experts.down_proj", {2, 3, 2}),
                                 router.view("model.layers.0.mlp.gate.weight", {2, 3})},
                                "X");
  ASSERT_EQ(views.size(), 7U);
  EXPECT_EQ(views[0].name(), "model.layers.0.block_sparse_moe.experts.0.w1.weight");
  EXPECT_EQ(views[3].name(), "model.layers.0.block_sparse_moe.experts.1.w3.weight");
  EXPECT_EQ(views[3].shape(), (Shape{2, 3}));
  EXPECT_EQ(views[3].borrow().data<float>()[0], 18.0F);  // after 12 of expert 0 and 6 of its gate
  EXPECT_EQ(views[5].name(), "model.layers.0.block_sparse_moe.experts.1.w2.weight");
  EXPECT_EQ(views[5].borrow().data<float>()[0], 6.0F);
  EXPECT_EQ(views[6].name(), "model.layers.0.block_sparse_moe.gate.weight");
  Held flat;
  EXPECT_THROW(own_layout(layout_config(R"({"model_type": "qwen3_moe"})"),
                          {flat.view("model.layers.0.mlp.experts.down_proj", {2, 3})}, "X"),
               Error);
}

}  // namespace
}  // namespace lq
