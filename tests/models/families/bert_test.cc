#include "models/families/bert.h"

#include <gtest/gtest.h>

#include "models/families/encoder_config.h"

namespace lq {
namespace {

TEST(BertFamily, ReadsItsOwnKeys) {
  auto json = encoder_config("BertForSequenceClassification", "bert");
  ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.token_types, 2);  // where the file says nothing
  EXPECT_EQ(spec.position_offset, 0);
  EXPECT_EQ(spec.max_positions, 32);
  EXPECT_TRUE(spec.label_dense_in_body);  // the pooler
  EXPECT_EQ(spec.label_activation, HeadActivation::kTanh);
  EXPECT_EQ(spec.blocks[1].norm.kind, NormKind::kLayer);
  EXPECT_EQ(spec.blocks[1].mlp.inner, 24);
  json["type_vocab_size"] = 5;
  EXPECT_EQ(spec_of(json).token_types, 5);
  json["type_vocab_size"] = 0;
  EXPECT_THROW(spec_of(json), Error);
}

TEST(BertFamily, NamesOfItsHeads) {
  const auto masked = encoder_config("BertForMaskedLM", "bert");
  EXPECT_EQ(module_name(masked, Role::kHeadDense), "cls.predictions.transform.dense");
  EXPECT_EQ(module_name(masked, Role::kLabelDense), "bert.pooler.dense");
  EXPECT_EQ(module_name(masked, Role::kTypes), "bert.embeddings.token_type_embeddings");
  EXPECT_EQ(labels_architecture(config_of(masked)), "BertForSequenceClassification");
  EXPECT_EQ(block_linear_modules(config_of(masked)).front(), "bert.encoder.layer.0.attention.self.query");
  // One body, as other families have it under another name.
  EXPECT_EQ(families::bert_body_names("x.").modules.at(Role::kPositions), "x.embeddings.position_embeddings");
}

}  // namespace
}  // namespace lq
