# requirements: torch==2.13.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 numpy==2.4.6
"""Adapters of every kind beside two tiny models, with what PEFT computes, as oracles for the engine's tests.

usage: make_adapter_goldens.py [OUT] [NAME ...]     (OUT defaults to adapters/ beside this script)

OUT/tied and OUT/untied get config.json and model.safetensors: a model whose head is its embedding, and one whose head
is its own and whose attention has biases. OUT/NAME gets the adapter as PEFT saves it, `base` (the name of its model)
and golden.safetensors:

    input_ids                  [tokens] i64
    logits, loss               of the adapter read back by PeftModel.from_pretrained; loss over ids 1 to the last
    grad.NAME                  dloss/dNAME of every low-rank part and magnitude, NAME as in adapter_model.safetensors
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
BASE = dict(
    vocab_size=61,
    hidden_size=24,
    intermediate_size=20,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=64,
    rms_norm_eps=1e-5,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=None,
)
BASES = {
    "tied": dict(tie_word_embeddings=True),
    "untied": dict(tie_word_embeddings=False, attention_bias=True, num_hidden_layers=1),
}
# name: base, settings of LoraConfig
CASES = {
    "head": ("untied", dict(target_modules=["q_proj", "lm_head"])),
    "head_tied": ("tied", dict(target_modules=["q_proj", "lm_head"])),
    "embedding": ("untied", dict(target_modules=["v_proj", "embed_tokens"], use_rslora=True)),
    "embedding_tied": ("tied", dict(target_modules=["v_proj", "embed_tokens"])),
    "embedding_and_head_tied": ("tied", dict(target_modules=["lm_head", "embed_tokens"])),
    "dora": ("untied", dict(target_modules=LINEARS, use_dora=True)),
    "dora_embedding_and_head": (
        "untied",
        dict(target_modules=["q_proj", "embed_tokens", "lm_head"], use_dora=True, use_rslora=True),
    ),
    "dora_embedding_tied": ("tied", dict(target_modules=["o_proj", "embed_tokens"], use_dora=True)),
    "dora_patterns": (
        "tied",
        dict(
            target_modules=LINEARS,
            use_dora=True,
            use_rslora=True,
            rank_pattern={"q_proj": 2, r"layers\.1\.mlp\.down_proj": 5},
            alpha_pattern={"^model.layers.0.self_attn.v_proj": 3},
        ),
    ),
    "bias_lora_only": ("untied", dict(target_modules=["q_proj", "up_proj"], bias="lora_only")),
    "bias_all": ("untied", dict(target_modules=["q_proj", "up_proj"], bias="all")),
    "bias_all_dora": ("untied", dict(target_modules=["q_proj"], bias="all", use_dora=True)),
    "saved_embedding_tied": ("tied", dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"])),
    "saved_head_tied": ("tied", dict(target_modules=["q_proj"], modules_to_save=["lm_head"])),
    "saved_both_tied": ("tied", dict(target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"])),
    "saved_one_tied": (
        "tied",
        dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"], ensure_weight_tying=True),
    ),
    "saved_norms": ("untied", dict(target_modules=["k_proj"], modules_to_save=["norm"])),
    "saved_embedding_head_low_rank_tied": (
        "tied",
        dict(target_modules=["q_proj", "lm_head"], modules_to_save=["embed_tokens"]),
    ),
}


def randomize(named, rng, spread):
    for name, p in named:
        with torch.no_grad():
            noise = torch.randn(p.shape, generator=rng)
            if "norm.weight" in name or "magnitude" in name:
                p.mul_(1 + 0.3 * noise)
            else:
                p.add_(spread * noise)


def make_base(name, folder):
    torch.manual_seed(sum(map(ord, name)))
    model = AutoModelForCausalLM.from_config(LlamaConfig(**{**BASE, **BASES[name]}), dtype=torch.float32)
    randomize(model.named_parameters(), torch.Generator().manual_seed(7), 0.25)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def load_base(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def make(name, out):
    base, settings = CASES[name]
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    rng = torch.Generator().manual_seed(sum(map(ord, name)))
    torch.manual_seed(0)
    peft = get_peft_model(load_base(out / base), LoraConfig(r=3, lora_alpha=5, task_type="CAUSAL_LM", **settings))
    randomize([(n, p) for n, p in peft.named_parameters() if p.requires_grad], rng, 0.3)
    peft.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base
    for key in ("target_modules", "modules_to_save"):
        config[key] = sorted(config[key]) if config[key] else config[key]
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "base").write_text(base + "\n")

    peft = PeftModel.from_pretrained(load_base(out / base), folder, is_trainable=True).eval()
    ids = torch.randint(0, BASE["vocab_size"], (1, 19), generator=rng)
    result = peft(input_ids=ids, labels=ids)
    result.loss.backward()
    golden = {"input_ids": ids[0], "logits": result.logits.detach()[0], "loss": result.loss.detach()}
    for key, p in peft.named_parameters():
        if "lora_" in key and p.grad is not None:
            key = key.replace(".default", "")
            golden["grad." + (key.removesuffix(".weight") if "magnitude" in key else key)] = p.grad
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(f"{name}: loss {golden['loss']:.6f}, {size / 1024:.0f} KiB, {len(golden) - 3} gradients")
    assert {k for k in load_file(folder / "adapter_model.safetensors") if "lora_" in k} == {
        k.removeprefix("grad.") for k in golden if k.startswith("grad.")
    }


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "adapters"
    torch.set_num_threads(1)
    if not sys.argv[2:]:
        for name in BASES:
            make_base(name, out / name)
    for name in sys.argv[2:] or CASES:
        make(name, out)


main()
