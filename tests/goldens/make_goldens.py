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
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

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

# name: config class, its settings, batch, tokens, {legacy, lora}
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
}


def randomize(model, rng):
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=rng)
        with torch.no_grad():
            if name.endswith("norm.weight"):
                p.copy_(1 + 0.2 * noise)
            elif name.endswith(".bias"):
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

    config = config_class(**{**BASE, **settings})
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomize(model, rng)
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        folder.mkdir(parents=True)
        shutil.copyfile(Path(temporary) / "model.safetensors", folder / "model.safetensors")
        saved = json.loads((Path(temporary) / "config.json").read_text())
    if extra.get("legacy"):
        saved = to_legacy(saved)
    (folder / "config.json").write_text(json.dumps(saved, indent=2) + "\n")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")

    ids = torch.randint(0, config.vocab_size, (batch, tokens), generator=rng)
    labels = ids.clone()
    if batch > 1:  # a prompt that isn't predicted, and a tail that isn't
        labels[0, :5] = -100
        labels[1, -4:] = -100
    golden = {"input_ids": ids, "labels": labels}
    golden["logits"], golden["loss"] = loss_and_grads(model, ids, labels)
    for key in load_file(folder / "model.safetensors"):
        golden["grad." + key] = model.get_parameter(key).grad

    lora = LoraConfig(r=4, lora_alpha=8, target_modules=LINEARS, task_type="CAUSAL_LM", **extra.get("lora", {}))
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
    saved.update(base_model_name_or_path=name, target_modules=LINEARS)  # PEFT writes a set, in any order
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
