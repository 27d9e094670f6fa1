#include "models/tensor_names.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(TensorNames, NamesModulesInAndOutsideBlocks) {
  const TensorNames names{.block = "transformer.h.",
                          .modules = {{Role::kEmbedding, "transformer.wte"}, {Role::kO, "attn.c_proj"}}};
  EXPECT_EQ(names.module(Role::kEmbedding), "transformer.wte");
  EXPECT_EQ(names.module(Role::kO, 11), "transformer.h.11.attn.c_proj");
  EXPECT_THROW(names.module(Role::kQ, 0), Error);          // not named
  EXPECT_THROW(names.module(Role::kO), Error);             // of which block?
  EXPECT_THROW(names.module(Role::kEmbedding, 0), Error);  // of none
}

TensorNames encoder_names() {
  TensorNames names{.block = "bert.encoder.layer.",
                    .modules = {{Role::kEmbedding, "bert.embeddings.word_embeddings"},
                                {Role::kLabelDense, "bert.pooler.dense"},
                                {Role::kLabelOutput, "classifier"},
                                {Role::kHead, "cls.predictions.decoder"},
                                {Role::kHeadBias, "cls.predictions"},
                                {Role::kO, "attention.output.dense"}}};
  names.body = "bert.";
  return names;
}

TEST(TensorNames, OthersNamesWithAndWithoutTheBodysBeginning) {
  const TensorNames with = encoder_names();
  const TensorNames without = with.without_body();
  const char* const of_body[] = {"encoder.layer.1.attention.output.dense", "pooler.dense.bias",
                                 "embeddings.word_embeddings"};
  for (const std::string bare : of_body) {
    for (const std::string& name : {bare, "bert." + bare}) {
      EXPECT_EQ(with.own(name), "bert." + bare);
      EXPECT_EQ(without.own(name), bare);
      for (const TensorNames& names : {with, without}) {
        EXPECT_EQ(names.in_class(name, true), "bert." + bare);
        EXPECT_EQ(names.in_class(name, false), bare);
      }
    }
  }
  for (const std::string head :
       {"classifier.weight", "cls.predictions.bias", "embeddings.word_embeddingsX"}) {
    EXPECT_EQ(with.own(head), head);
    EXPECT_EQ(without.in_class(head, true), head);
  }
}

}  // namespace
}  // namespace lq
