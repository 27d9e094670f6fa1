#include "models/families/distilbert.h"

#include <gtest/gtest.h>

#include "models/families/encoder_config.h"

namespace lq {
namespace {

nlohmann::ordered_json distilbert_config(const char* architecture) {
  return {{"architectures", {architecture}},
          {"model_type", "distilbert"},
          {"vocab_size", 50},
          {"dim", 16},
          {"n_layers", 3},
          {"n_heads", 4},
          {"hidden_dim", 20},
          {"activation", "relu"},
          {"max_position_embeddings", 32}};
}

TEST(DistilBertFamily, ReadsItsOwnKeys) {
  const ModelSpec spec = spec_of(distilbert_config("DistilBertForSequenceClassification"));
  EXPECT_EQ(spec.blocks.size(), 3U);
  EXPECT_EQ(spec.blocks[0].mlp.inner, 20);
  EXPECT_EQ(spec.blocks[0].mlp.activation, Activation::kRelu);
  EXPECT_EQ(spec.token_types, 0);  // it has no token types
  EXPECT_EQ(spec.label_activation, HeadActivation::kRelu);
  EXPECT_FALSE(spec.label_dense_in_body);
}

TEST(DistilBertFamily, NamesOfItsModules) {
  const auto json = distilbert_config("DistilBertForMaskedLM");
  EXPECT_EQ(module_name(json, Role::kQ), "attention.q_lin");
  EXPECT_EQ(module_name(json, Role::kHead), "vocab_projector");
  EXPECT_EQ(module_name(json, Role::kLabelDense), "pre_classifier");
  const auto modules = block_linear_modules(config_of(json));
  EXPECT_EQ(modules.size(), 18U);
  EXPECT_EQ(modules.back(), "distilbert.transformer.layer.2.ffn.lin2");
}

// Transformers has 1e-12 there and reads no key.
TEST(DistilBertFamily, RefusesAnEpsilonThatNobodyReads) {
  auto json = distilbert_config("DistilBertForMaskedLM");
  json["layer_norm_eps"] = 1e-12;
  EXPECT_FLOAT_EQ(spec_of(json).final_norm.eps, 1e-12F);
  json["layer_norm_eps"] = 1e-5;
  EXPECT_THROW(spec_of(json), Error);
}

// Transformers takes them for its own, and before its own where a file has both.
TEST(DistilBertFamily, OtherFamiliesNamesAreItsOwn) {
  auto json = distilbert_config("DistilBertModel");
  json.erase("dim");
  json.erase("n_layers");
  json["hidden_size"] = 24;
  json["num_hidden_layers"] = 2;
  json["num_attention_heads"] = 4;  // as n_heads says
  EXPECT_EQ(spec_of(json).hidden, 24);
  EXPECT_EQ(spec_of(json).blocks.size(), 2U);
  for (const int layers : {0, 1}) {
    json = distilbert_config("DistilBertModel");
    json["num_hidden_layers"] = layers;
    EXPECT_THROW(spec_of(json), Error) << layers;
  }
}

}  // namespace
}  // namespace lq
