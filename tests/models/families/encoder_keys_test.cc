// What config.json of encoders may say, and what is refused by its key.
#include "models/families/encoder_keys.h"

#include <gtest/gtest.h>

#include "models/registry.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

nlohmann::json bert_config(const char* architecture) {
  return {{"architectures", {architecture}},
          {"model_type", "bert"},
          {"vocab_size", 50},
          {"hidden_size", 16},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"intermediate_size", 24},
          {"hidden_act", "gelu"},
          {"max_position_embeddings", 32},
          {"type_vocab_size", 2},
          {"layer_norm_eps", 1e-12},
          {"pad_token_id", 0}};
}

ModelSpec encoder_spec_of(const nlohmann::json& config) {
  return model_spec(JsonObject::record(config, "c.json"));
}

TEST(EncoderKeys, BertsHeadsAndTables) {
  const ModelSpec bare = encoder_spec_of(bert_config("BertModel"));
  EXPECT_TRUE(bare.encoder());
  EXPECT_FALSE(bare.has_head);
  EXPECT_EQ(bare.token_types, 2);
  EXPECT_EQ(bare.max_positions, 32);
  const ModelSpec masked = encoder_spec_of(bert_config("BertForMaskedLM"));
  EXPECT_TRUE(masked.has_head && masked.tied_embeddings && masked.head_bias);
  EXPECT_EQ(encoder_spec_of(bert_config("BertForSequenceClassification")).labels, (LabelSpec{2, false}));
  nlohmann::json number = bert_config("BertForSequenceClassification");
  number["id2label"] = {{"0", "LABEL_0"}};
  EXPECT_EQ(encoder_spec_of(number).labels, (LabelSpec{1, true}));
}

TEST(EncoderKeys, LabelsThatContradictTheirNumberAreRefused) {
  nlohmann::json config = bert_config("BertForSequenceClassification");
  config["id2label"] = {{"0", "no"}, {"1", "yes"}, {"2", "perhaps"}};
  config["num_labels"] = 3;
  EXPECT_EQ(encoder_spec_of(config).labels, (LabelSpec{3, false}));
  config["num_labels"] = 5;
  expect_error(ErrorCode::kUnsupported, {"c.json", "id2label names 3 labels, but num_labels is 5"},
               [&] { encoder_spec_of(config); });
  config.erase("id2label");
  config["num_labels"] = 1;
  config["problem_type"] = "single_label_classification";
  expect_error(ErrorCode::kUnsupported, {"c.json", "needs 2 labels or more"},
               [&] { encoder_spec_of(config); });
}

TEST(EncoderKeys, RobertasPositionsBeginBehindThePaddingsNumber) {
  nlohmann::json config = bert_config("XLMRobertaForMaskedLM");
  config["model_type"] = "xlm-roberta";
  config["pad_token_id"] = 1;
  const ModelSpec spec = encoder_spec_of(config);
  EXPECT_EQ(spec.position_offset, 2);
  EXPECT_EQ(spec.max_positions, 30);
  config["max_position_embeddings"] = 2;
  expect_error(ErrorCode::kCorruptFile, {"c.json", "max_position_embeddings is 2"},
               [&] { encoder_spec_of(config); });
}

// As the Chinese and multilingual BERTs say it; transformers reads none of it.
TEST(EncoderKeys, NotesOfTheFirstPoolersChangeNothing) {
  nlohmann::json config = bert_config("BertForMaskedLM");
  config.update({{"directionality", "bidi"},
                 {"pooler_fc_size", 768},
                 {"pooler_num_attention_heads", 12},
                 {"pooler_num_fc_layers", 3},
                 {"pooler_size_per_head", 128},
                 {"pooler_type", "first_token_transform"},
                 {"hidden_act", "gelu_python"}});
  EXPECT_EQ(encoder_spec_of(config).head_dense, Activation::kGelu);
}

TEST(EncoderKeys, RefusesByKeyAndValue) {
  const auto refused = [](const char* key, const nlohmann::json& value, const char* said) {
    nlohmann::json config = bert_config("BertForSequenceClassification");
    config[key] = value;
    expect_error(ErrorCode::kUnsupported, {"c.json", key, said}, [&] { encoder_spec_of(config); });
  };
  refused("hidden_act", "mish", "\"mish\"");
  refused("position_embedding_type", "relative_key", "relative_key");
  refused("is_decoder", true, "only encoders");
  refused("problem_type", "multi_label_classification", "multi_label_classification");
  refused("problem_type", "regression", "with 2 labels");
}

}  // namespace
}  // namespace lq
