#include "models/families/encoder_keys.h"

#include "base/error.h"
#include "models/families/config_keys.h"

namespace lq::families {
namespace {

constexpr std::int64_t kMostWidth = std::int64_t{1} << 20;
constexpr std::int64_t kMostLayers = 10000;

LabelSpec read_labels(const JsonObject& config) {
  LabelSpec labels;
  const auto names = config.section_if("id2label");
  labels.outputs = names ? static_cast<std::int64_t>(names->json().size())
                         : config.integer_or("num_labels", 2, 1, 1 << 20);
  if (names && config.has("num_labels")) {
    const std::int64_t number = config.integer("num_labels");
    LQ_CHECK(number == labels.outputs, kUnsupported, "{}: id2label names {} labels, but num_labels is {}",
             config.who(), labels.outputs, number);
  }
  const std::string problem = config.text_or("problem_type", "");
  const bool number = problem == "regression" || (problem.empty() && labels.outputs == 1);
  LQ_CHECK(problem.empty() || problem == "regression" || problem == "single_label_classification",
           kUnsupported,
           "{}: problem_type \"{}\" is not computed (known: single_label_classification, regression)",
           config.who(), problem);
  LQ_CHECK(number || labels.outputs != 1, kUnsupported,
           "{}: problem_type \"single_label_classification\" needs 2 labels or more, but there is 1",
           config.who());
  LQ_CHECK(!number || labels.outputs == 1, kUnsupported,
           "{}: problem_type \"regression\" with {} labels is not computed (only 1)", config.who(),
           labels.outputs);
  labels.regression = number;
  return labels;
}

void refuse_other_forms(const JsonObject& config) {
  const std::string positions = config.text_or("position_embedding_type", "absolute");
  LQ_CHECK(positions == "absolute", kUnsupported,
           "{}: position_embedding_type \"{}\" is not computed (only absolute)", config.who(), positions);
  for (const char* key : {"is_decoder", "add_cross_attention"}) {
    LQ_CHECK(!config.boolean_or(key, false), kUnsupported, "{}: {} true is not computed (only encoders)",
             config.who(), key);
  }
}

}  // namespace

ModelSpec read_encoder(const JsonObject& config, EncoderHead head, const EncoderKeys& keys) {
  refuse_other_forms(config);
  const double eps = config.number_or("layer_norm_eps", keys.default_eps, 0.0, 1.0);
  LQ_CHECK(!keys.fixed_eps || eps == keys.default_eps, kUnsupported,
           "{}: layer_norm_eps is {}, but models of this type have {}, whatever the file says", config.who(),
           eps, keys.default_eps);
  ModelSpec m;
  m.vocab = config.integer("vocab_size", 1, std::int64_t{1} << 28);
  m.hidden = config.integer(keys.hidden, 1, kMostWidth);
  m.learned_positions = config.integer_or("max_position_embeddings", 512, 1, std::int64_t{1} << 30);
  m.max_positions = m.learned_positions;
  BlockSpec b;
  b.norm = {NormKind::kLayer, static_cast<float>(eps)};
  b.place = NormPlace::kPost;
  AttentionSpec& a = b.attention;
  a.heads = config.integer(keys.heads, 1, kMostWidth);
  a.kv_heads = a.heads;
  LQ_CHECK(m.hidden % a.heads == 0, kCorruptFile, "{}: {} is {}, which {}, {}, does not divide", config.who(),
           keys.hidden, m.hidden, keys.heads, a.heads);
  a.head_dim = m.hidden / a.heads;
  a.qkv_bias = true;
  a.output_bias = true;
  a.causal = false;
  a.rope = RopeUse::kNone;
  b.mlp.gated = false;
  b.mlp.activation = read_activation(config, keys.activation, "gelu");
  b.mlp.inner = config.integer(keys.inner, 1, kMostWidth * 8);
  b.mlp.bias = true;
  m.blocks.assign(static_cast<std::size_t>(config.integer(keys.layers, 1, kMostLayers)), b);
  m.embedding_norm = b.norm;
  m.final_norm = b.norm;
  m.has_head = head == EncoderHead::kMaskedToken;
  m.has_final_norm = m.has_head;
  m.head_bias = m.has_head;
  if (m.has_head) m.head_dense = b.mlp.activation;
  const bool tied = config.boolean_or("tie_word_embeddings", true);
  m.tied_embeddings = m.has_head && tied;
  if (head == EncoderHead::kLabels) m.labels = read_labels(config);
  return m;
}

void refuse_unknown_encoder_keys(const JsonObject& config) {
  refuse_unknown_keys(config, {"attention_dropout", "attention_probs_dropout_prob", "classifier_dropout",
                               "data", "dropout", "eos_token_id", "finetuning_task", "gradient_checkpointing",
                               "hidden_dropout_prob", "id2label", "label2id", "num_labels", "output_past",
                               "pad_token_id", "problem_type", "qa_dropout", "seq_classif_dropout",
                               // Of the first BERTs' pooler, which is one dense layer all the same.
                               "directionality", "pooler_fc_size", "pooler_num_attention_heads",
                               "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type",
                               // How positions were drawn once: the file has them.
                               "sinusoidal_pos_embds", "tie_weights_", "type_vocab_size", "use_cache"});
}

}  // namespace lq::families
