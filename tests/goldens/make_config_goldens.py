# requirements: torch==2.13.0 transformers==5.24.0
"""Makes configs.json: what transformers makes of config.json files of every age, with their keys in every place.

usage: make_config_goldens.py [OUT]     (OUT defaults to configs.json beside this script)

Each case is a config and what transformers' model has from it: inv_freq (for 20 tokens, and for 300 where it differs), on cos and sin, the window of each layer (0: none), head_dim, key and value heads, biases, tied embeddings, eps, end-of-text
ids; `error` where transformers takes it for wrong.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

warnings.filterwarnings("ignore")
transformers.utils.logging.set_verbosity_error()

BASE = dict(vocab_size=32, hidden_size=32, intermediate_size=16, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=4, max_position_embeddings=128, eos_token_id=2)
ARCHITECTURES = {"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM",
                 "qwen3": "Qwen3ForCausalLM"}
YARN = dict(factor=4.0, original_max_position_embeddings=32)
LLAMA3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
# Rope, wherever it may stand.
ROPE = [
    {},
    {"rope_theta": 5000.0},
    {"rope_theta": 5000.0, "rope_scaling": None},
    {"rope_scaling": {"type": "linear", "factor": 2.0}},
    {"rope_scaling": {"rope_type": "linear", "factor": 2.0}, "rope_theta": 777.0},
    {"rope_scaling": {"rope_type": "linear", "factor": 2.0, "rope_theta": 777.0}},
    {"rope_scaling": {"rope_type": "linear", "factor": 2.0, "rope_theta": 777.0}, "rope_theta": 9.0e4},
    {"rope_scaling": {"type": "dynamic", "factor": 4.0}},
    {"rope_scaling": {"type": "dynamic", "factor": 4.0}, "rope_theta": 1.0e6},
    {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 500.0}},
    {"rope_scaling": {"rope_type": "llama3", **LLAMA3}, "rope_theta": 500000.0},
    {"rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, **LLAMA3}},
    {"rope_scaling": {"type": "yarn", **YARN}},
    {"rope_scaling": {"type": "yarn", **YARN, "attention_factor": 1.5}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "beta_fast": 16, "beta_slow": 2}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "truncate": False}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "mscale": 0.7, "mscale_all_dim": 1.2}},
    {"rope_scaling": {"rope_type": "yarn", **YARN, "mscale": 0.7}},
    {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}, "original_max_position_embeddings": 32},
    {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    {"rope_scaling": {"rope_type": "yarn", **YARN}, "original_max_position_embeddings": 16},
    {"rope_parameters": {"rope_type": "yarn", "rope_theta": 300.0, **YARN}},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 300.0}},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 300.0}, "rope_scaling": {"type": "yarn", **YARN}},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 300.0}, "rope_scaling": {"rope_type": "linear", "factor": 3.0}},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 300.0}, "rope_theta": 44.0},
    {"rope_parameters": {"rope_type": "default"}, "rope_theta": 44.0},
    {"rope_scaling": {"rope_type": "default"}, "rope_theta": 44.0},
]
SHAPE = [
    {},
    {"num_key_value_heads": 2},
    {"num_key_value_heads": None},
    {"head_dim": 6},
    {"head_dim": None},
    {"tie_word_embeddings": True},
    {"rms_norm_eps": 1e-5},
    {"eos_token_id": [3, 4], "bos_token_id": None},
    {"eos_token_id": 7},
    {"eos_token_id": None},
    {"attention_bias": True},
    {"mlp_bias": True},
    {"torch_dtype": "bfloat16"},
    {"dtype": "float16"},
]
WINDOWS = [
    {"sliding_window": 9},
    {"sliding_window": None},
    {"use_sliding_window": True},
    {"use_sliding_window": True, "sliding_window": 9},
    {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 0},
    {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 2},
    {"use_sliding_window": True, "sliding_window": None, "max_window_layers": 0},
    {"use_sliding_window": False, "sliding_window": 9, "max_window_layers": 0},
    {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 0,
     "head_dim": 8, "layer_types": ["full_attention", "sliding_attention", "full_attention"]},
    {"sliding_window": 9, "head_dim": 8, "layer_types": ["full_attention", "sliding_attention", "full_attention"]},
    {"head_dim": 8, "layer_types": ["full_attention"] * 3},
    {"sliding_window": 9, "head_dim": 8, "layer_types": ["full_attention"] * 3},
]


def windows_of(model):
    config = model.config
    if "Llama" in type(model).__name__:
        return [0] * config.num_hidden_layers
    if "Mistral" in type(model).__name__:
        return [config.sliding_window or 0] * config.num_hidden_layers
    kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    return [(config.sliding_window or 0) if kind == "sliding_attention" else 0 for kind in kinds]


def frequencies(model, tokens):
    rope = type(model.model.rotary_emb)(model.config)
    rope(torch.zeros(1, tokens, 1), torch.arange(tokens)[None])
    return rope.inv_freq.tolist(), float(rope.attention_scaling)


def result_of(config):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config))
        try:
            read = AutoConfig.from_pretrained(folder)
            with torch.device("meta"):
                model = AutoModelForCausalLM.from_config(read)
            layer = model.model.layers[0]
            short, factor = frequencies(model, 20)
            long, _ = frequencies(model, 300)
            eos = model.config.eos_token_id
            return {
                "inv_freq": short, **({"inv_freq_long": long} if long != short else {}), "attention_factor": factor,
                "windows": windows_of(model), "head_dim": layer.self_attn.head_dim,
                "kv_heads": layer.self_attn.k_proj.weight.shape[0] // layer.self_attn.head_dim,
                "qkv_bias": layer.self_attn.q_proj.bias is not None, "output_bias": layer.self_attn.o_proj.bias is not None,
                "mlp_bias": layer.mlp.up_proj.bias is not None, "tied": bool(model.config.tie_word_embeddings),
                "eps": layer.input_layernorm.variance_epsilon, "eos": eos if isinstance(eos, list) else [] if eos is None else [eos],
            }
        except Exception as e:
            return {"error": f"{type(e).__name__}: {e}"[:200]}


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "configs.json"
    cases = []
    for family, architecture in ARCHITECTURES.items():
        for more in ROPE + SHAPE[1:] + WINDOWS:
            config = {"architectures": [architecture], "model_type": family, **BASE, **more}
            cases.append({"config": config, **result_of(config)})
    out.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
    errors = [c for c in cases if "error" in c]
    print(f"{len(cases)} configs, {len(errors)} of them wrong for transformers, {out.stat().st_size} bytes")
    for c in errors:
        print({k: v for k, v in c["config"].items() if k not in BASE}, c["error"])


main()
