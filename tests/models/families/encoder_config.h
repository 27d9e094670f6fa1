// A small config.json of an encoder, for tests of what is read from it.
#pragma once

#include <nlohmann/json.hpp>

#include "models/decoder_config.h"

namespace lq {

inline nlohmann::ordered_json encoder_config(const char* architecture, const char* model_type) {
  return {{"architectures", {architecture}},
          {"model_type", model_type},
          {"vocab_size", 50},
          {"hidden_size", 16},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"intermediate_size", 24},
          {"hidden_act", "gelu"},
          {"max_position_embeddings", 32}};
}

inline std::string module_name(const nlohmann::ordered_json& json, Role role) {
  return model_family(config_of(json)).names.modules.at(role);
}

}  // namespace lq
