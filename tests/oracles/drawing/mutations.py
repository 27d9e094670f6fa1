"""Other values of the keys of a config.json, and keys that it does not have."""

ACTIVATIONS = ["gelu", "gelu_10", "gelu_fast", "gelu_new", "gelu_python", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate",
               "hardswish", "laplace", "leaky_relu", "linear", "mish", "quick_gelu", "relu", "relu2", "relu6", "sigmoid", "silu",
               "sqrtsoftplus", "swish", "tanh", "GELU", "SiLU", "swiglu", "silu "]
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}
ROPES = [
    {}, None, {"rope_type": "default"}, {"rope_theta": 300.0}, {"type": "linear", "factor": 3.0},
    {"rope_type": "linear", "factor": 2.0}, {"rope_type": "linear", "factor": 0.5}, {"rope_type": "linear", "factor": 2},
    {"rope_type": "linear"}, {"rope_type": "dynamic", "factor": 2.0}, {"type": "dynamic", "factor": 2.0, "rope_theta": 50.0},
    YARN, {**YARN, "attention_factor": 1.5}, {**YARN, "attention_factor": None}, {**YARN, "beta_fast": 4, "beta_slow": 2},
    {**YARN, "beta_fast": None}, {**YARN, "beta_slow": 0}, {**YARN, "truncate": False}, {**YARN, "truncate": None},
    {**YARN, "mscale": 0.7, "mscale_all_dim": 1.2}, {**YARN, "mscale": 0.7}, {**YARN, "mscale_all_dim": 0.7}, {**YARN, "factor": 1.0},
    {**YARN, "factor": None}, {"rope_type": "yarn", "factor": 4.0}, {**YARN, "original_max_position_embeddings": None},
    {**YARN, "finetuned": True}, {**YARN, "attention_factor": 0.0}, {**YARN, "extrapolation_factor": 1},
    {**YARN, "attn_factor": 2.0}, LLAMA3, {**LLAMA3, "type": "linear"}, {**LLAMA3, "low_freq_factor": 4.0},
    {**LLAMA3, "original_max_position_embeddings": 300}, {"rope_type": "default", "partial_rotary_factor": 0.5},
    {"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 0.5}, {**YARN, "partial_rotary_factor": 0.5},
    {**LLAMA3, "partial_rotary_factor": 0.5}, {"rope_type": "proportional", "partial_rotary_factor": 0.5},
    {"rope_type": "proportional"}, {"rope_type": "ntk", "factor": 2.0}, {"rope_type": "axial"}, {"rope_type": "su", "factor": 2.0},
    {"rope_type": "mrope", "mrope_section": [1, 1, 2]}, {"type": "default", "mrope_section": [1, 1]},
    {"rope_type": "default", "factor": 2.0}, {"rope_type": "default", "rope_theta": 7}, {"rope_type": "default", "rope_theta": None},
    {"rope_type": None, "factor": 2.0}, {"rope_type": "default", "type": "linear", "factor": 2.0},
    {"full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 300.0},
     "sliding_attention": {"rope_type": "default", "rope_theta": 70.0}},
    {"full_attention": {"rope_type": "linear", "factor": 2.0}}, {"sliding_attention": {"rope_theta": 70.0}},
    {"full_attention": {"rope_theta": 300.0}, "sliding_attention": None},
    {"full_attention": YARN, "sliding_attention": {"rope_type": "default"}},
    {"full_attention": {"rope_type": "dynamic", "factor": 2.0}, "sliding_attention": {"rope_type": "linear", "factor": 2.0}},
    {"full_attention": {"rope_type": "default", "partial_rotary_factor": 0.5}, "sliding_attention": {"rope_type": "default"}},
    {"full_attention": {"rope_type": "default"}, "sliding_attention": {"rope_type": "default"}, "rope_theta": 300.0},
    {"rope_type": "default", "full_attention": {"rope_theta": 300.0}},
]
# What families, their elder versions and other programs have, and values that would change something.
ADDED = {
    "attention_bias": [True, False, None], "qkv_bias": [True], "use_qkv_bias": [True], "use_bias": [True], "bias": [True],
    "mlp_bias": [True, False, None], "o_bias": [True], "attention_out_bias": [True], "lm_head_bias": [True], "no_bias": [True],
    "clip_qkv": [0.05, 8.0, None], "logit_scale": [0.5], "logits_scaling": [2.0, 1.0, 1, None], "embedding_multiplier": [2.0, 1.0],
    "residual_multiplier": [0.5, 1.0], "attention_multiplier": [0.5, 1.0], "scale_emb": [12], "scale_depth": [1.4],
    "dim_model_base": [256], "lm_head_multiplier": [0.5], "key_multiplier": [0.5], "scale_embedding": [True],
    "normalize_embedding": [True], "query_pre_attn_scalar": [9, None, 24.0], "attn_logit_softcapping": [1.5, None, 0, 0.0],
    "final_logit_softcapping": [1.5, None, 0.0], "sliding_window": [5, 0, None, -1, 7.0, True], "use_sliding_window": [True, False],
    "max_window_layers": [0, 1, None], "sliding_window_pattern": [2, 1, None, 0], "_sliding_window_pattern": [2],
    "layer_types": [None, [], "full", "sliding", "mixed", "short", "long", "odd"], "interleaved_sliding_window": [5],
    "sliding_window_size": [5], "window_size": [5], "attention_window": [5], "local_attention_window": [5],
    "attention_chunk_size": [5], "attn_window_size": [5], "attention_types": [[[["global", "local"], 1]]],
    "rope_theta": [300.0, 300, None, 10000.0], "rope_base": [300], "rotary_emb_base": [300], "rope_local_base_freq": [70.0, None],
    "rope_global_base_freq": [70.0], "rope_scaling": ROPES, "rope_parameters": ROPES, "partial_rotary_factor": [0.5, 1.0, None, 0.75],
    "rotary_pct": [0.5], "rotary_dim": [2], "rope_pct": [0.5], "rope_ratio": [2.0], "rope_interleaved": [True],
    "rope_interleave": [True], "use_mrope": [True], "rotary_percent": [0.5], "rope_percent": [0.5],
    "original_max_position_embeddings": [32, 16, None], "max_position_embeddings": [32, 256, None, 64], "n_positions": [64, 256],
    "no_rope_layers": [[], [1, 0, 1], [0], [0, 0, 0, 0, 1], [1, 1, 1], None], "no_rope_layer_interval": [1, 2, None, 0, 4],
    "nope_layer_interval": [2], "head_dim": [None, 4, 6, 5, 0], "kv_channels": [4], "v_head_dim": [4], "qk_rope_head_dim": [2],
    "head_size": [6], "num_key_value_heads": [None, 1, 2, 3, 0], "num_kv_heads": [1], "multi_query": [True],
    "hidden_act": ACTIVATIONS + [None], "hidden_activation": ACTIVATIONS + [None], "activation_function": ACTIVATIONS + [None],
    "activation": ["relu"], "ffn_act": ["relu"], "act_fn": ["relu"], "mlp_activation": ["relu"], "use_gated_mlp": [False],
    "rms_norm_eps": [0.1, 0, None, 1, "1e-5"], "layer_norm_eps": [0.1], "layer_norm_epsilon": [0.1, 0, None], "norm_eps": [0.1],
    "norm_epsilon": [0.1], "norm_type": ["layernorm"], "qk_layernorm": [True], "use_qk_norm": [True, False], "qk_norm": [True],
    "use_qk_layernorm": [True], "query_norm": [True], "use_post_norm": [True], "pre_norm": [False], "do_layer_norm_before": [False],
    "parallel_residual": [True], "use_parallel_residual": [True], "parallel_attn": [True], "norm_after": [True],
    "tie_word_embeddings": [True, False, None], "tie_embeddings": [True], "share_embeddings": [True], "weight_tying": [True],
    "is_decoder": [False, True], "is_causal": [True, False], "is_encoder_decoder": [True, False], "add_cross_attention": [True],
    "use_bidirectional_attention": [True, False, None, "all"], "bidirectional": [True], "causal": [False], "use_alibi": [True],
    "alibi": [True], "position_embedding_type": ["relative_key", "absolute"], "cross_attention_hidden_size": [8],
    "tie_encoder_decoder": [True], "pruned_heads": [{}, {"0": [0]}], "chunk_size_feed_forward": [4, 0], "pretraining_tp": [1, 2],
    "num_experts": [0, 2, 3, None], "num_local_experts": [2, 1, None], "num_experts_per_tok": [1, 2, 99, None, 0],
    "experts_per_token": [1], "top_k": [1], "moe_top_k": [1], "norm_topk_prob": [True, False, None],
    "normalize_expert_weights": [True], "mlp_only_layers": [[0], [], None, [7]], "decoder_sparse_step": [1, 2, 0, None],
    "moe_intermediate_size": [12, None], "shared_expert_intermediate_size": [8], "n_shared_experts": [1], "moe_layer_freq": [2],
    "router_jitter_noise": [0.1, 0.0], "output_router_logits": [True, False], "router_aux_loss_coef": [0.5, 0],
    "routed_scaling_factor": [2.5], "scoring_func": ["sigmoid"], "first_k_dense_replace": [1], "n_group": [2], "topk_group": [1],
    "use_expert_bias": [True], "expert_bias": [True], "swiglu_limit": [0.5, 7.0, None, 0], "swiglu_alpha": [1.0, None, 0],
    "use_attention_sinks": [True], "attention_sinks": [True], "use_sinks": [False], "n_inner": [None, 20], "ffn_dim": [20],
    "n_embd": [24], "n_layer": [1, 2], "n_head": [1], "n_ctx": [64], "hidden_size": [24, 12], "num_hidden_layers": [1, 2, 0, 9],
    "num_attention_heads": [1, 2, 4], "intermediate_size": [20, 12], "vocab_size": [100, 500],
    "scale_attn_weights": [True, False, None], "scale_attn_by_inverse_layer_idx": [True, False],
    "reorder_and_upcast_attn": [True, False], "attention_softmax_in_fp32": [True], "scale_attention_softmax_in_fp32": [True],
    "torch_dtype": ["float16", "bfloat16", "float32", "auto", None], "dtype": ["float16", "bfloat16", None],
    "attention_dropout": [0.5, None], "hidden_dropout": [0.5], "resid_pdrop": [0.5], "embd_pdrop": [0.5], "attn_pdrop": [0.5],
    "use_cache": [False], "pad_token_id": [0, 3, 419, -1, None, 9999], "bos_token_id": [3, None, [0]], "eos_token_id": [[1, 2], None, 5, -1],
    "quantization_config": [None, {}, {"quant_method": "gptq", "bits": 4}, {"quant_method": "none"}],
    "initializer_range": [0.5], "_attn_implementation": ["sdpa"], "attn_implementation": ["eager", "flex_attention"],
    "_attn_implementation_internal": ["eager"], "transformers_version": ["9.0.0", "4.30.0"], "architectures": [None, [], ["LlamaForCausalLM"], ["Nothing"]],
    "model_type": ["nothing", None], "auto_map": [{"AutoModelForCausalLM": "modeling_x.X"}],
    "id2label": [{"0": "a"}], "num_labels": [3], "classifier_dropout": [0.1], "problem_type": ["regression"],
    "use_mup": [True], "mup_width_scale": [0.5], "attn_scale": [0.5], "attention_scale": [0.5], "softmax_scale": [0.5],
    "floor_scale": [8192], "attn_temperature_tuning": [True], "attn_temperature_scale": [0.5], "temperature_scaling": [0.5],
    "llama_4_scaling_beta": [0.1], "block_sparse": [True], "embedding_dropout": [0.5], "skip_layers": [[0]], "per_layer_config": [{"0": {"sliding_window": 5}}],
    "num_kv_shared_layers": [1], "laurel_rank": [4], "lora_rank": [4], "use_lora": [True], "mlp_gated": [False], "some_new_key": [1, "x", [1], True, None, 0, {"a": 1}],
}

# Without these the class makes a model of its own size, of many gigabytes.
SIZES = ["model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "head_dim",
         "num_key_value_heads", "num_experts", "num_local_experts", "moe_intermediate_size", "n_embd", "n_layer", "n_head"]


def kinds(word, layers):
    mixed = ["sliding_attention" if i % 2 else "full_attention" for i in range(layers)]
    return {"full": ["full_attention"] * layers, "sliding": ["sliding_attention"] * layers, "mixed": mixed, "short": mixed[1:],
            "long": mixed + ["full_attention"], "odd": ["chunked_attention"] * layers}[word]


def of(config):
    """(key, value) that this config does not have so; value `...`: the key is taken away."""
    layers = config.get("num_hidden_layers", config.get("n_layer", 1))
    cases = [(key, ...) for key in config if key not in SIZES]
    for key, values in ADDED.items():
        for value in values:
            if key == "layer_types" and isinstance(value, str):
                value = kinds(value, layers)
            if key not in config or config[key] != value or type(config[key]) is not type(value):
                cases.append((key, value))
    for key, value in config.items():
        if key in ADDED or isinstance(value, dict):
            continue
        if isinstance(value, bool):
            cases.append((key, not value))
        elif isinstance(value, (int, float)):
            cases += [(key, value * 2 + 1), (key, None), (key, 0)]
        elif value is None:
            cases += [(key, 1), (key, True)]
    return cases


def read_by_classes():
    """Keys that some family's class or this program's older families read."""
    words = """attention_bias mlp_bias layer_types sliding_window use_sliding_window max_window_layers sliding_window_pattern rope_theta
        rope_local_base_freq rope_scaling rope_parameters partial_rotary_factor original_max_position_embeddings head_dim
        max_position_embeddings no_rope_layers no_rope_layer_interval num_key_value_heads hidden_act hidden_activation
        activation_function rms_norm_eps tie_word_embeddings dtype torch_dtype num_experts num_local_experts
        num_experts_per_tok norm_topk_prob mlp_only_layers decoder_sparse_step n_inner scale_attn_weights
        attn_logit_softcapping final_logit_softcapping query_pre_attn_scalar"""
    return set(words.split())
