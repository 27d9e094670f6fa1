#include "models/families/gpt2.h"

#include <cmath>

#include "base/error.h"
#include "models/families/config_keys.h"

namespace lq::families {
namespace {

ModelSpec read_gpt2(const JsonObject& given) {
  const JsonObject config = with_defaults(with_own_names(given, {{"hidden_size", "n_embd"},
                                                                 {"num_hidden_layers", "n_layer"},
                                                                 {"num_attention_heads", "n_head"},
                                                                 {"max_position_embeddings", "n_positions"}}),
                                          {{"vocab_size", 50257},
                                           {"n_positions", 1024},
                                           {"n_embd", 768},
                                           {"n_layer", 12},
                                           {"n_head", 12},
                                           {"bos_token_id", 50256},
                                           {"eos_token_id", 50256}});
  constexpr std::int64_t kMost = std::int64_t{1} << 20;
  ModelSpec spec;
  spec.vocab = config.integer("vocab_size", 1, std::int64_t{1} << 28);
  spec.hidden = config.integer("n_embd", 1, kMost);
  spec.max_positions = spec.learned_positions = config.integer("n_positions", 1, std::int64_t{1} << 30);
  spec.tied_embeddings = config.boolean_or("tie_word_embeddings", true);
  spec.bos = config.integer_or("bos_token_id", -1, -1);
  spec.eos = config.integers("eos_token_id", 0, std::int64_t{1} << 40);
  BlockSpec b;
  b.norm = {NormKind::kLayer, static_cast<float>(config.number_or("layer_norm_epsilon", 1e-5, 0.0, 1.0))};
  spec.final_norm = b.norm;
  AttentionSpec& a = b.attention;
  a.heads = a.kv_heads = config.integer("n_head", 1, kMost);
  LQ_CHECK(spec.hidden % a.heads == 0, kCorruptFile, "{}: n_embd is {}, which n_head, {}, does not divide",
           config.who(), spec.hidden, a.heads);
  a.head_dim = spec.hidden / a.heads;
  a.fused_qkv = a.qkv_bias = a.output_bias = true;
  a.rope = RopeUse::kNone;
  b.mlp.gated = false;
  b.mlp.bias = true;
  b.mlp.inner = config.integer_or("n_inner", 4 * spec.hidden, 1, kMost * 8);
  b.mlp.activation = read_activation(config, "activation_function", "gelu_new");
  const double scale =
      config.boolean_or("scale_attn_weights", true) ? 1.0 / std::sqrt(static_cast<double>(a.head_dim)) : 1.0;
  const bool by_layer = config.boolean_or("scale_attn_by_inverse_layer_idx", false);
  for (std::int64_t layer = 0; layer < config.integer("n_layer", 1, 10000); ++layer) {
    a.scale = static_cast<float>(by_layer ? scale / static_cast<double>(layer + 1) : scale);
    spec.blocks.push_back(b);
  }
  // n_ctx is an old name of n_positions; the others say how a label's head reads the model, or in which
  // precision attention is computed.
  refuse_unknown_keys(config, {"n_ctx", "summary_type", "summary_use_proj", "summary_activation",
                               "summary_proj_to_labels", "summary_first_dropout", "reorder_and_upcast_attn"});
  return spec;
}

TensorNames gpt2_names() {
  return {.block = "transformer.h.",
          .modules = {{Role::kEmbedding, "transformer.wte"},
                      {Role::kPositions, "transformer.wpe"},
                      {Role::kFinalNorm, "transformer.ln_f"},
                      {Role::kHead, "lm_head"},
                      {Role::kAttentionNorm, "ln_1"},
                      {Role::kQkv, "attn.c_attn"},
                      {Role::kO, "attn.c_proj"},
                      {Role::kMlpNorm, "ln_2"},
                      {Role::kUp, "mlp.c_fc"},
                      {Role::kDown, "mlp.c_proj"}}};
}

}  // namespace

std::vector<ModelFamily> gpt2() {
  return {{{"GPT2LMHeadModel", "GPT2Model"}, "gpt2", gpt2_names(), read_gpt2}};
}

}  // namespace lq::families
