"""Random small configs of every decoder family that docs/models.md claims."""

import dataclasses

import transformers

from drawing import ropes

LLAMA_LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ATTENTION = LLAMA_LINEARS[:4]
PLAIN_ACTIVATIONS = ["silu"] * 6 + ["gelu", "relu", "gelu_new", "gelu_pytorch_tanh", "swish", "gelu_fast"]
ACTIVATIONS = PLAIN_ACTIVATIONS + ["quick_gelu", "relu2", "tanh", "gelu_python", "mish"]


@dataclasses.dataclass
class Drawn:
    family: str
    config: transformers.PreTrainedConfig
    rope: dict  # as given; of GPT-2 empty
    linears: list  # names that PEFT finds in the blocks
    experts: bool = False
    images: bool = False  # it lies in a model with images
    by_length: bool = False  # angles depend on the longest text seen

    @property
    def embedding(self):
        return "wte" if self.family == "gpt2" else "embed_tokens"

    @property
    def last_norm(self):
        return "ln_f" if self.family == "gpt2" else "norm"


def common(rng, vocabulary, **more):
    """Keys that all but GPT-2 have."""
    kv = rng.choice([1, 2])
    heads = kv * rng.choice([1, 2, 3])
    width = rng.choice([4, 8, 12])
    settings = dict(
        vocab_size=vocabulary + rng.choice([0, 0, 3]), hidden_size=heads * width, intermediate_size=rng.choice([20, 40]),
        num_hidden_layers=rng.choice([1, 2, 3]), num_attention_heads=heads, num_key_value_heads=kv,
        rms_norm_eps=rng.choice([1e-5, 1e-6, 1e-3]), tie_word_embeddings=rng.random() < 0.5, bos_token_id=0, eos_token_id=1,
        pad_token_id=None)
    if rng.random() < 0.3:
        settings["hidden_act"] = rng.choice(ACTIVATIONS)
    settings.update(more)
    return settings


def layer_kinds(rng, layers):
    return [rng.choice(["sliding_attention", "full_attention"]) for _ in range(layers)]


def gemma(rng, settings):
    settings.pop("hidden_act", None)
    if rng.random() < 0.4:
        settings["hidden_activation"] = rng.choice(ACTIVATIONS)
    settings.update(head_dim=rng.choice([4, 6, 8]), query_pre_attn_scalar=rng.choice([4, 7, 24, 256]),
                    sliding_window=rng.choice([5, 20, 4096]), attention_bias=rng.random() < 0.3,
                    final_logit_softcapping=rng.choice([None, 2.0, 30.0]))
    if rng.random() < 0.4:
        settings["layer_types"] = layer_kinds(rng, settings["num_hidden_layers"])


def gemma2(rng, s):
    gemma(rng, s)
    s["attn_logit_softcapping"] = rng.choice([None, 1.5, 50.0])
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)


def gemma3(rng, s):
    gemma(rng, s)
    if rng.random() < 0.3:
        s.pop("layer_types", None)
        s["sliding_window_pattern"] = rng.choice([1, 2, 3])
    s["rope_parameters"], s["max_position_embeddings"] = ropes.by_layer_type(rng)


def phi3(rng, s):
    head_dim = s["hidden_size"] // s["num_attention_heads"]
    s["rope_parameters"], s["original_max_position_embeddings"] = ropes.longrope(rng, head_dim)
    s.update(max_position_embeddings=128, sliding_window=rng.choice([None, None, 7, 30]))


def smollm3(rng, s):
    layers = s["num_hidden_layers"]
    s.update(attention_bias=rng.random() < 0.3, mlp_bias=rng.random() < 0.3)
    if rng.random() < 0.5:
        s["no_rope_layers"] = [rng.choice([0, 1]) for _ in range(layers + rng.choice([0, 0, 2]))]
    else:
        s["no_rope_layer_interval"] = rng.choice([1, 2, 3])
    if rng.random() < 0.5:
        s.update(use_sliding_window=True, sliding_window=rng.choice([None, 5, 20]))
    if rng.random() < 0.3 and s.get("sliding_window"):
        s["layer_types"] = layer_kinds(rng, layers)
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)


def olmo2(rng, s):
    s["attention_bias"] = rng.random() < 0.3
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)


def granite(rng, s):
    s.update(attention_bias=rng.random() < 0.3, mlp_bias=rng.random() < 0.3)
    for key, values in (("embedding_multiplier", [1.0, 12.0, 2]), ("logits_scaling", [1.0, 8, 0.5]),
                        ("residual_multiplier", [1.0, 0.22, 2]), ("attention_multiplier", [1.0, 0.0078125, 0.5])):
        if rng.random() < 0.6:
            s[key] = rng.choice(values)
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)


def mixtral(rng, s):
    s.update(num_local_experts=rng.choice([2, 4]), sliding_window=rng.choice([None, None, 7, 30]))
    s["num_experts_per_tok"] = rng.randrange(1, s["num_local_experts"] + 1)
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)
    if rng.random() < 0.3 or s["rope_parameters"]["rope_type"] != "default":  # whose functions do not take null for a width
        s["head_dim"] = rng.choice([4, 6])


def qwen3_moe(rng, s):
    layers = s["num_hidden_layers"]
    s.update(num_experts=rng.choice([2, 4]), moe_intermediate_size=rng.choice([12, 16]), norm_topk_prob=rng.random() < 0.5,
             attention_bias=rng.random() < 0.3, decoder_sparse_step=rng.choice([1, 1, 2]),
             mlp_only_layers=rng.choice([None, [], [0], [layers - 1]]))
    s["num_experts_per_tok"] = rng.randrange(1, s["num_experts"] + 1)
    if rng.random() < 0.4:
        s["head_dim"] = rng.choice([4, 6])
    if rng.random() < 0.5:
        s.update(use_sliding_window=True, sliding_window=rng.choice([None, 5, 20]))
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)


def gpt_oss(rng, s):
    s.pop("hidden_act", None)
    s.update(num_local_experts=rng.choice([2, 4]), head_dim=rng.choice([4, 8]), sliding_window=rng.choice([5, 20, 128]),
             attention_bias=rng.random() < 0.7)
    s["num_experts_per_tok"] = rng.randrange(1, s["num_local_experts"] + 1)
    for key, values in (("swiglu_limit", [0.7, 2.0]), ("swiglu_alpha", [1.0, 2.0])):
        if rng.random() < 0.4:
            s[key] = rng.choice(values)
    if rng.random() < 0.4:
        s["layer_types"] = layer_kinds(rng, s["num_hidden_layers"])
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng, ropes.KINDS + ["yarn"] * 3, (150000.0, 10000.0))


def llama(rng, s):
    s.update(attention_bias=rng.random() < 0.4, mlp_bias=rng.random() < 0.3)
    if rng.random() < 0.5:
        s["head_dim"] = rng.choice([4, 6, 10])
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)


def mistral(rng, s):
    s["sliding_window"] = rng.choice([None, 7, 30])
    if rng.random() < 0.5:
        s["head_dim"] = rng.choice([4, 6, 10])
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)


def qwen2(rng, s):
    if rng.random() < 0.5:
        s.update(use_sliding_window=True, sliding_window=rng.choice([5, 20]),
                 max_window_layers=rng.randrange(s["num_hidden_layers"] + 1))
    if rng.random() < 0.3:
        s["layer_types"] = layer_kinds(rng, s["num_hidden_layers"]) if s.get("use_sliding_window") else None
    s["rope_parameters"], s["max_position_embeddings"] = ropes.rope(rng)


def qwen3(rng, s):
    qwen2(rng, s)
    s["attention_bias"] = rng.random() < 0.4
    if rng.random() < 0.5:
        s["head_dim"] = rng.choice([4, 6, 10])


def gpt2(rng, vocabulary):
    heads = rng.choice([1, 2, 3])
    width = heads * rng.choice([4, 5, 8, 12])
    return dict(vocab_size=vocabulary + rng.choice([0, 0, 3]), n_positions=128, n_embd=width, n_layer=rng.choice([1, 2, 3]),
                n_head=heads, n_inner=rng.choice([None, None, 20, 36]),
                activation_function=rng.choice(["gelu_new"] * 3 + ACTIVATIONS), layer_norm_epsilon=rng.choice([1e-5, 1e-3]),
                scale_attn_weights=rng.random() < 0.7, scale_attn_by_inverse_layer_idx=rng.random() < 0.4,
                reorder_and_upcast_attn=rng.random() < 0.3, tie_word_embeddings=rng.random() < 0.6, bos_token_id=0, eos_token_id=1)


FAMILIES = {
    "llama": (transformers.LlamaConfig, llama, LLAMA_LINEARS),
    "mistral": (transformers.MistralConfig, mistral, LLAMA_LINEARS),
    "qwen2": (transformers.Qwen2Config, qwen2, LLAMA_LINEARS),
    "qwen3": (transformers.Qwen3Config, qwen3, LLAMA_LINEARS),
    "gemma2": (transformers.Gemma2Config, gemma2, LLAMA_LINEARS),
    "gemma3": (transformers.Gemma3TextConfig, gemma3, LLAMA_LINEARS),
    "phi3": (transformers.Phi3Config, phi3, ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]),
    "smollm3": (transformers.SmolLM3Config, smollm3, LLAMA_LINEARS),
    "olmo2": (transformers.Olmo2Config, olmo2, LLAMA_LINEARS),
    "granite": (transformers.GraniteConfig, granite, LLAMA_LINEARS),
    "gpt2": (transformers.GPT2Config, gpt2, ["c_attn", "c_proj", "c_fc"]),
    "mixtral": (transformers.MixtralConfig, mixtral, ATTENTION),
    "qwen3_moe": (transformers.Qwen3MoeConfig, qwen3_moe, ATTENTION),
    "gpt_oss": (transformers.GptOssConfig, gpt_oss, ATTENTION),
}


def draw(rng, vocabulary, names=tuple(FAMILIES)):
    family = rng.choice(list(names))
    config_class, add, linears = FAMILIES[family]
    if family == "gpt2":
        settings = gpt2(rng, vocabulary)
    else:
        settings = common(rng, vocabulary)
        add(rng, settings)
    section = settings.get("rope_parameters", {})
    kept = {k: dict(v) if isinstance(v, dict) else v for k, v in section.items()}  # the class fills in what it is given
    return Drawn(family, config_class(**settings), kept, linears, experts=family in ("mixtral", "qwen3_moe", "gpt_oss"),
                 by_length=section.get("rope_type") in ("dynamic", "longrope"))
