// What config.json of most decoders says in the same keys: sizes, rotary positions, windows, names of
// tensors.
#pragma once

#include "files/json_object.h"
#include "models/model_spec.h"

namespace lq::families {

// What a family's class in transformers takes where config.json is silent.
struct Defaults {
  std::int64_t head_dim = 0;  // 0: hidden_size / num_attention_heads
  std::int64_t max_positions = 2048;
  double rope_theta = 10000.0;
};

// hidden_size, intermediate_size, num_hidden_layers, heads, head_dim, norms, rope, tie_word_embeddings, bos
// and eos: every block alike. Biases, windows and what else a family has are its own to add. Throws as
// ModelFamily::spec.
ModelSpec read_decoder(const JsonObject& config, const Defaults& defaults = {});

// rope_parameters (transformers 5), or rope_scaling beside rope_theta (transformers 4; it wins where both are
// there).
RopeConfig read_rope(const JsonObject& config, std::int64_t max_positions, double default_theta);

// Gives the layers that layer_types calls "sliding_attention" the window of sliding_window (null: none;
// missing: 4096, as in transformers); without layer_types, those from `first` on.
void set_windows(const JsonObject& config, std::int64_t first, ModelSpec& spec);

// The same where use_sliding_window says so, from layer max_window_layers on, as Qwen's configs have it.
void set_windows_if_used(const JsonObject& config, ModelSpec& spec);

// Names as Llama's checkpoints have them: "model.layers.0.self_attn.q_proj", "mlp.gate_proj",
// "input_layernorm", ...
TensorNames decoder_names();

}  // namespace lq::families
