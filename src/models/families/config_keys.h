// What config.json of most decoders says in the same keys: sizes, rotary positions, windows, names of
// tensors.
#pragma once

#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "files/json_object.h"
#include "models/families/rope_keys.h"
#include "models/model_spec.h"

namespace lq::families {

// What a family's class in transformers takes where config.json is silent.
struct Defaults {
  std::int64_t head_dim = 0;  // 0: hidden_size / num_attention_heads
  std::int64_t max_positions = 2048;
  double rope_theta = 10000.0;
  double norm_eps = 1e-6;
  bool tied = false;
  const char* activation_key = "hidden_act";
  const char* activation = "silu";
  bool partial_rotary = false;  // the class reads partial_rotary_factor
  bool one_rope = true;         // false: read_decoder leaves rotation to the family
};

// Whether a key is known to change no number of a pass, of any model.
bool changes_no_number(std::string_view key);

// config with the keys of `defaults` that it does not have (null is there): what the family's class in
// transformers takes. What is read of the result is known to refuse_unknown_keys of the result only.
JsonObject with_defaults(const JsonObject& config, const nlohmann::ordered_json& defaults);

// config with each key of `names`, another name for the key beside it in the family's class, under that one.
// Throws Error(kUnsupported) for a file that has both and says different things in them.
JsonObject with_own_names(const JsonObject& config,
                          std::initializer_list<std::pair<const char*, const char*>> names);

// Throws Error(kUnsupported) naming the first key that nobody has asked for and that says something (not
// null, false, 0 or empty), unless it is known to change no number of a pass: of every model, or of this
// family (`ignorable`). To be called when all is read.
void refuse_unknown_keys(const JsonObject& config, std::initializer_list<std::string_view> ignorable = {});

// hidden_size, intermediate_size, num_hidden_layers, heads, head_dim, norms, rope, tie_word_embeddings, bos
// and eos: every block alike. Biases, windows and what else a family has are its own to add. Throws as
// ModelFamily::spec.
ModelSpec read_decoder(const JsonObject& config, const Defaults& defaults = {});

// The function that `key` names. Throws Error(kUnsupported) naming key and value for one that is not
// computed.
Activation read_activation(const JsonObject& config, const std::string& key, std::string_view usual);

// Which layers layer_types calls "sliding_attention"; without layer_types as `usual` says. Throws
// Error(kUnsupported) for other kinds.
std::vector<bool> sliding_layers(const JsonObject& config, std::int64_t layers,
                                 const std::function<bool(std::int64_t)>& usual);

// Gives the layers that layer_types calls "sliding_attention" the window of sliding_window (null: none;
// missing: 4096, as in transformers); without layer_types, those from `first` on.
void set_windows(const JsonObject& config, std::int64_t first, ModelSpec& spec);

// The same where use_sliding_window says so, from layer max_window_layers on, as Qwen's configs have it.
void set_windows_if_used(const JsonObject& config, ModelSpec& spec);

// Names as Llama's checkpoints have them: "model.layers.0.self_attn.q_proj", "mlp.gate_proj",
// "input_layernorm", ...
TensorNames decoder_names();

}  // namespace lq::families
