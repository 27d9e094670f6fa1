// What a model is, as its family reads it from Hugging Face's config.json.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/rope_scaling.h"

namespace lq {

struct ModelSpec {
  std::int64_t vocab = 0;          // vocab_size
  std::int64_t hidden = 0;         // hidden_size
  std::int64_t intermediate = 0;   // intermediate_size
  std::int64_t layers = 0;         // num_hidden_layers
  std::int64_t heads = 0;          // num_attention_heads
  std::int64_t kv_heads = 0;       // num_key_value_heads; heads where missing
  std::int64_t head_dim = 0;       // head_dim; hidden / heads where missing
  std::int64_t max_positions = 0;  // max_position_embeddings
  float norm_eps = 1e-5F;          // rms_norm_eps
  bool tied_embeddings = false;
  bool qkv_bias = false;     // attention_bias; always on in Qwen2
  bool output_bias = false;  // of o_proj: attention_bias of Llama
  bool mlp_bias = false;
  std::vector<std::int64_t> windows;  // per layer: sliding window, 0 = all
  RopeConfig rope;
  std::int64_t bos = -1;          // bos_token_id; -1 where missing
  std::vector<std::int64_t> eos;  // eos_token_id, one or several

  // Weights of the linear layers in the blocks, and of everything.
  std::int64_t block_linear_weights() const;
  std::int64_t all_weights() const;
};

}  // namespace lq
