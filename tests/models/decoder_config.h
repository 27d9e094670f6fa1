// A small config.json of a decoder, for tests of what is read from it.
#pragma once

#include <nlohmann/json.hpp>

#include "models/registry.h"

namespace lq {

inline nlohmann::ordered_json decoder_config(const char* architecture, const char* model_type) {
  return {{"architectures", {architecture}},
          {"model_type", model_type},
          {"vocab_size", 97},
          {"hidden_size", 32},
          {"intermediate_size", 44},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"max_position_embeddings", 128}};
}

inline JsonObject config_of(const nlohmann::ordered_json& json) { return {json, "[config] DIR/config.json"}; }

inline ModelSpec spec_of(const nlohmann::ordered_json& json) { return model_spec(config_of(json)); }

}  // namespace lq
