# requirements: torch==2.13.0 transformers==5.24.0 (5.23.0 gives the same numbers) peft==0.21.2 safetensors==0.8.0 numpy==2.4.6
"""Tiny random models with Hugging Face's logits, losses and gradients, as oracles for the engine's tests.

usage: make_goldens.py [OUT] [NAME ...]     (OUT defaults to this script's folder, NAME to every case)

OUT/NAME/ gets config.json and model.safetensors (the model, float32), adapter/ (a LoRA adapter as PEFT saves it,
A and B both random) and golden.safetensors:

    input_ids, labels          [batch, tokens] i64; labels -100 are not predicted
    logits, loss               the model; loss is the mean over predicted tokens, labels shifted inside
    grad.NAME                  dloss/dNAME of every weight, NAME as in model.safetensors
    lora_logits, lora_loss     the model with the adapter
    lora_grad.NAME             dlora_loss/dNAME of every A and B, NAME as in adapter_model.safetensors
    greedy                     8 ids that the model generates greedily (with its cache) after the first 6 of row 0
                               (of the families beyond Llama, Mistral and Qwen)

Weights that a family's layers hold as [in, out] (GPT-2's Conv1D) have their gradients as [out, in].

Attention is eager, everything float32 on one thread. Configs marked legacy are written the way transformers 4 wrote
them (rope_theta and rope_scaling instead of rope_parameters); each folder is read back before its goldens are computed.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GptOssConfig,
    GraniteConfig,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    Olmo2Config,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
    SmolLM3Config,
)
from transformers.integrations.mxfp4 import FP4_VALUES, convert_moe_packed_tensors
from transformers.pytorch_utils import Conv1D

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

BASE = dict(
    vocab_size=97,
    hidden_size=32,
    intermediate_size=44,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    rms_norm_eps=1e-5,
    tie_word_embeddings=False,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=None,
)
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)
LINEAR = dict(rope_type="linear", rope_theta=10000.0, factor=4.0)
DYNAMIC = dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=32)
PATTERNS = dict(
    use_rslora=True,
    rank_pattern={"q_proj": 2, "layers.1.mlp.down_proj": 6},
    alpha_pattern={"v_proj": 3, "layers.0.self_attn.q_proj": 5},
)

SMALL = {**BASE, "vocab_size": 61, "hidden_size": 24, "intermediate_size": 36}
GEMMA = {**SMALL, "head_dim": 8, "tie_word_embeddings": True, "query_pre_attn_scalar": 20, "sliding_window": 5}
ROPES = dict(
    full_attention=dict(rope_type="linear", rope_theta=1000000.0, factor=8.0),
    sliding_attention=dict(rope_type="default", rope_theta=10000.0),
)
LONGROPE = dict(
    rope_type="longrope",
    rope_theta=10000.0,
    partial_rotary_factor=0.75,
    short_factor=[1.0, 1.1, 1.3],
    long_factor=[1.5, 4.0, 9.0],
    original_max_position_embeddings=32,
)
MOE = {**SMALL, "intermediate_size": 20}
# The window is shorter than the text; gates and up parts of this model pass the limit on both sides.
GPT_OSS = dict(
    num_hidden_layers=2,
    head_dim=8,
    num_local_experts=4,
    num_experts_per_tok=2,
    sliding_window=5,
    swiglu_limit=1.5,
    rope_parameters=dict(
        rope_type="yarn",
        rope_theta=150000.0,
        factor=4.0,
        beta_fast=32.0,
        beta_slow=1.0,
        truncate=False,
        original_max_position_embeddings=32,
    ),
)
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
FUSED = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]

# name: config class, its settings, batch, tokens, {legacy, lora, base: before the settings, targets of the adapter,
# greedy: ids are generated too, stacks: experts are saved as
# stacks, one_plus: norms multiply by 1 + weight, mxfp4: experts are saved in it}
CASES = {
    "llama": (
        LlamaConfig,
        dict(head_dim=12, rope_parameters=dict(rope_type="default", rope_theta=500000.0)),
        1,
        24,
        {},
    ),
    "llama_rope_llama3": (
        LlamaConfig,
        dict(num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True, rope_parameters=LLAMA3),
        1,
        28,
        dict(legacy=True),
    ),
    "llama_rope_linear": (LlamaConfig, dict(num_key_value_heads=4, rope_parameters=LINEAR), 1, 24, dict(legacy=True)),
    "llama_rope_dynamic": (LlamaConfig, dict(max_position_embeddings=16, rope_parameters=DYNAMIC), 1, 40, {}),
    "llama_rope_yarn": (
        LlamaConfig,
        dict(num_attention_heads=2, num_key_value_heads=2, rope_parameters=YARN),
        1,
        40,
        {},
    ),
    "llama_batch": (LlamaConfig, dict(num_key_value_heads=1, tie_word_embeddings=True), 2, 17, {}),
    "llama_patterns": (LlamaConfig, {}, 1, 17, dict(lora=PATTERNS)),
    "mistral": (MistralConfig, dict(sliding_window=7), 1, 24, dict(legacy=True)),
    "qwen2": (Qwen2Config, dict(rms_norm_eps=1e-6, tie_word_embeddings=True), 1, 24, {}),
    "qwen3": (
        Qwen3Config,
        dict(head_dim=12, rms_norm_eps=1e-6, use_sliding_window=True, sliding_window=7, max_window_layers=1),
        2,
        17,
        {},
    ),
    "gemma2": (
        Gemma2Config,
        dict(attn_logit_softcapping=2.0, final_logit_softcapping=3.0, num_hidden_layers=2),
        2,
        17,
        dict(base=GEMMA, one_plus=True, greedy=True),
    ),
    "gemma3": (
        Gemma3TextConfig,
        dict(
            num_hidden_layers=3,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters=ROPES,
            final_logit_softcapping=4.0,
        ),
        2,
        17,
        dict(base=GEMMA, one_plus=True, greedy=True),
    ),
    "gpt2": (
        GPT2Config,
        dict(
            vocab_size=61, n_positions=40, n_embd=24, n_layer=2, n_head=3, n_inner=36, bos_token_id=1, eos_token_id=2,
            scale_attn_by_inverse_layer_idx=True, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        ),
        2,
        17,
        dict(base={}, targets=["c_attn", "c_proj", "c_fc"], lora=dict(fan_in_fan_out=True), greedy=True),
    ),
    "phi3": (
        Phi3Config,
        dict(num_attention_heads=3, num_key_value_heads=1, original_max_position_embeddings=32, rope_parameters=LONGROPE, sliding_window=9),
        2,
        17,
        dict(base=SMALL, targets=FUSED, greedy=True),
    ),
    "phi3_long": (
        Phi3Config,
        dict(num_attention_heads=3, num_key_value_heads=3, original_max_position_embeddings=32, rope_parameters=LONGROPE),
        1,
        40,
        dict(base=SMALL, targets=FUSED),
    ),
    "smollm3": (
        SmolLM3Config,
        dict(num_hidden_layers=3, no_rope_layers=[1, 0, 1], use_sliding_window=True, sliding_window=6, mlp_bias=True, tie_word_embeddings=True),
        2,
        17,
        dict(base=SMALL, greedy=True),
    ),
    "olmo2": (Olmo2Config, dict(), 2, 17, dict(base=SMALL, greedy=True)),
    "granite": (
        GraniteConfig,
        dict(embedding_multiplier=3.0, logits_scaling=1.7, residual_multiplier=0.6, attention_multiplier=0.3, mlp_bias=True),
        2,
        17,
        dict(base=SMALL, greedy=True),
    ),
    "mixtral": (
        MixtralConfig,
        dict(num_local_experts=4, num_experts_per_tok=2, sliding_window=9),
        2,
        17,
        dict(base=MOE, targets=ATTENTION, greedy=True),
    ),
    "qwen3_moe": (
        Qwen3MoeConfig,
        dict(num_experts=5, num_experts_per_tok=3, moe_intermediate_size=12, head_dim=8, num_hidden_layers=3, mlp_only_layers=[1]),
        2,
        17,
        dict(base=MOE, targets=ATTENTION, greedy=True),
    ),
    "qwen3_moe_stack": (
        Qwen3MoeConfig,
        dict(num_experts=3, num_experts_per_tok=2, moe_intermediate_size=12, head_dim=8, num_hidden_layers=1, norm_topk_prob=True),
        1,
        17,
        dict(base=MOE, targets=ATTENTION, greedy=True, stacks=True),
    ),
    "gpt_oss": (GptOssConfig, GPT_OSS, 2, 17, dict(base=MOE, targets=ATTENTION, greedy=True)),
    "gpt_oss_mxfp4": (
        GptOssConfig,
        {**GPT_OSS, "hidden_size": 32, "intermediate_size": 32, "num_local_experts": 3, "num_attention_heads": 2, "num_hidden_layers": 1},
        2,
        17,
        dict(base=MOE, targets=ATTENTION, greedy=True, mxfp4=True),
    ),
}


def randomize(model, rng, one_plus=False):
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=rng)
        with torch.no_grad():
            if name.endswith("norm.weight") or ".ln_" in name and name.endswith(".weight"):
                p.copy_((0 if one_plus else 1) + 0.2 * noise)
            elif name.endswith(".sinks"):
                p.copy_(2 * noise)
            elif name.endswith((".bias", "_bias")):
                p.copy_(0.3 * noise)
            else:
                p.copy_(0.25 * noise)


def to_legacy(config):
    """transformers 5's config.json as transformers 4 wrote it."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.44.0"
    return config


def to_mxfp4(folder):
    """The experts' stacks, [experts, inputs, outputs], become blocks of 32 inputs and their scales. Returns the same
    model's tensors as transformers decodes them."""
    stored, decoded = {}, {}
    values = torch.tensor(FP4_VALUES)
    for name, w in load_file(folder / "model.safetensors").items():
        if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            stored[name] = decoded[name] = w
            continue
        groups = w.transpose(1, 2).unflatten(2, (-1, 32))
        power = torch.floor(torch.log2(groups.abs().amax(-1))) - 2  # 6 is the largest value, 4 a power of two
        codes = (groups / 2 ** power[..., None])[..., None].sub(values).abs().argmin(-1).to(torch.uint8)
        codes[..., 0] = codes[..., 0] | 8  # signs of zeros too
        stored[name + "_blocks"] = codes[..., 0::2] | codes[..., 1::2] << 4
        stored[name + "_scales"] = (power + 127).to(torch.uint8)
        decoded[name] = convert_moe_packed_tensors(stored[name + "_blocks"], stored[name + "_scales"], dtype=torch.float32)
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    return decoded


def parameter_of(model, key):
    """By its name in the file: Mixtral's routers have another one there."""
    return model.get_parameter(key.replace("block_sparse_moe.", "mlp."))


def expert_grads(model):
    """Of every expert's matrices, by the names that they have where experts stand one by one."""
    grads = {}
    if model.config.model_type == "gpt_oss":
        return gpt_oss_grads(model)
    mixtral = model.config.model_type == "mixtral"
    within, gate, up, down = ("block_sparse_moe.", "w1", "w3", "w2") if mixtral else ("mlp.", "gate_proj", "up_proj", "down_proj")
    for name, p in model.named_parameters():
        layer, _, kind = name.partition("mlp.experts.")
        if not kind:
            continue
        for e, grad in enumerate(p.grad):
            parts = zip((gate, up), grad.chunk(2)) if kind == "gate_up_proj" else [(down, grad)]
            grads.update({f"grad.{layer}{within}experts.{e}.{part}.weight": g.clone() for part, g in parts})
    return grads


def gpt_oss_grads(model):
    """The same of gpt-oss, whose stacks are [experts, inputs, outputs] with gate and up by turns."""
    grads = {}
    for name, p in model.named_parameters():
        layer, _, kind = name.partition("mlp.experts.")
        if not kind:
            continue
        bias = "bias" if kind.endswith("_bias") else "weight"
        for e, grad in enumerate(p.grad):
            grad = grad if bias == "bias" else grad.t()
            parts = {"down_proj": grad}
            if kind.startswith("gate_up_proj"):
                parts = {"gate_proj": grad[0::2], "up_proj": grad[1::2]}
            grads.update({f"grad.{layer}mlp.experts.{e}.{part}.{bias}": g.clone() for part, g in parts.items()})
    return grads


def loss_and_grads(model, ids, labels):
    model.zero_grad()
    out = model(input_ids=ids, labels=labels)
    out.loss.backward()
    return out.logits.detach(), out.loss.detach()


def make(name, folder):
    config_class, settings, batch, tokens, extra = CASES[name]
    seed = sum(map(ord, name))
    rng = torch.Generator().manual_seed(seed)
    shutil.rmtree(folder, ignore_errors=True)

    config = config_class(**{**extra.get("base", BASE), **settings})
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomize(model, rng, extra.get("one_plus", False))
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary, save_original_format=not extra.get("stacks"))
        folder.mkdir(parents=True)
        shutil.copyfile(Path(temporary) / "model.safetensors", folder / "model.safetensors")
        saved = json.loads((Path(temporary) / "config.json").read_text())
    if extra.get("legacy"):
        saved = to_legacy(saved)
    decoded = to_mxfp4(folder) if extra.get("mxfp4") else None
    if decoded:
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")
        model.load_state_dict(decoded)
        model.eval()
        saved["quantization_config"] = dict(quant_method="mxfp4", modules_to_not_convert=["model.layers.*.self_attn"])
    (folder / "config.json").write_text(json.dumps(saved, indent=2) + "\n")
    if not decoded:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")

    ids = torch.randint(0, config.vocab_size, (batch, tokens), generator=rng)
    labels = ids.clone()
    if batch > 1:  # a prompt that isn't predicted, and a tail that isn't
        labels[0, :5] = -100
        labels[1, -4:] = -100
    golden = {"input_ids": ids, "labels": labels}
    golden["logits"], golden["loss"] = loss_and_grads(model, ids, labels)
    for key in load_file(folder / "model.safetensors"):
        if ".experts" in key:
            continue
        golden["grad." + key] = parameter_of(model, key).grad
        if ".experts" in key or ".gate." in key:
            continue
        if isinstance(model.get_submodule(key.rpartition(".")[0]), Conv1D) and key.endswith(".weight"):
            golden["grad." + key] = golden["grad." + key].t()
    golden.update(expert_grads(model))
    if extra.get("greedy"):
        out = model.generate(ids[:1, :6], do_sample=False, max_new_tokens=8, min_new_tokens=8, use_cache=True)
        golden["greedy"] = out[0, 6:]

    targets = extra.get("targets", LINEARS)
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM", **extra.get("lora", {}))
    peft = get_peft_model(model, lora)
    trained = {n: p for n, p in peft.named_parameters() if p.requires_grad}
    for p in trained.values():
        with torch.no_grad():
            p.copy_(0.3 * torch.randn(p.shape, generator=rng))
    golden["lora_logits"], golden["lora_loss"] = loss_and_grads(peft, ids, labels)
    peft.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    path = folder / "adapter" / "adapter_config.json"
    saved = json.loads(path.read_text())
    saved.update(base_model_name_or_path=name, target_modules=targets)  # PEFT writes a set, in any order
    path.write_text(json.dumps(saved, indent=2) + "\n")
    keys = load_file(folder / "adapter" / "adapter_model.safetensors")
    grads = {n.replace(".default", ""): p.grad for n, p in trained.items()}
    assert keys.keys() == grads.keys()
    golden.update({"lora_grad." + n: g for n, g in grads.items()})

    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(f"{name}: loss {golden['loss']:.6f}, with LoRA {golden['lora_loss']:.6f}, {size / 1024:.0f} KiB")


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    torch.set_num_threads(1)
    for name in sys.argv[2:] or CASES:
        make(name, out / name)


main()
