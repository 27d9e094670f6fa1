// What config.json of BERT and its kin says in the same way: sizes, post-norm blocks over whole sequences,
// learned positions, heads.
#pragma once

#include <string>

#include "files/json_object.h"
#include "models/model_spec.h"

namespace lq::families {

// How a family's config.json calls its sizes.
struct EncoderKeys {
  std::string hidden = "hidden_size";
  std::string layers = "num_hidden_layers";
  std::string heads = "num_attention_heads";
  std::string inner = "intermediate_size";
  std::string activation = "hidden_act";
  double default_eps = 1e-12;  // of layer norms, where there is no layer_norm_eps
  bool fixed_eps = false;      // transformers reads no layer_norm_eps: another one is refused
};

// Which heads an architecture has besides its body.
enum class EncoderHead {
  kNone,         // BertModel: a projection onto the vocabulary is not there, nor labels
  kMaskedToken,  // BertForMaskedLM
  kLabels,       // BertForSequenceClassification: classes, or a number where there is one label
};

// Everything but token types and the positions' offset, which are a family's own to add, and then
// refuse_unknown_encoder_keys to call. Throws as ModelFamily::spec.
ModelSpec read_encoder(const JsonObject& config, EncoderHead head, const EncoderKeys& keys = {});

// refuse_unknown_keys (config_keys.h), knowing what encoders' configs say beyond what changes a pass.
void refuse_unknown_encoder_keys(const JsonObject& config);

}  // namespace lq::families
