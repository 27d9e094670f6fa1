# requirements: torch==2.13.0 transformers==5.23.0 peft==0.21.2 safetensors==0.8.0 numpy==2.4.6 scipy
"""Does Hugging Face compute with our export what our packed model says?

usage: check_hf_export.py PACKED EXPORT [--keep-adapter] [--tolerance T] [--tokens N]

PACKED is a directory that `lqlora quantize` wrote, EXPORT what `lqlora export --format hf` made of it. The packed
matrices are decoded here in plain numpy, from docs/formats/packed.md alone, and W' = Q + s B A is put into a model of
transformers; its logits on random ids are compared with EXPORT's, loaded by AutoModelForCausalLM and, with
--keep-adapter, by PEFT as well. Exits 1 when the largest difference, relative to the largest logit, is above T
(default 1e-4, or 2e-2 where EXPORT is stored in 16 bits).
"""

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from safetensors import safe_open
from scipy.special import ndtri
from transformers import AutoConfig, AutoModelForCausalLM


def codebook(kind, bits):
    half = 2 ** (bits - 1)
    if kind == "int":
        return ((np.arange(2 * half) - half) / (half - 1)).astype(np.float32)
    delta = 0.9677083
    p = np.concatenate([np.linspace(1 - delta, 0.5, half)[:-1], np.linspace(0.5, delta, half + 1)])
    return (ndtri(p) / ndtri(delta)).astype(np.float32)


def unpack(data, bits, count):
    """Codes 0 .. count - 1 out of groups of 64, 8 * bits bytes each."""
    group = data.reshape(-1, 8 * bits)
    if bits == 8:
        codes = group
    elif bits == 4:  # byte k: code k below, code k + 32 above
        codes = np.concatenate([group & 15, group >> 4], axis=1)
    else:  # byte k < 16: the two low bits of codes k, k + 16, k + 32, k + 48
        codes = np.concatenate([group[:, :16] >> shift & 3 for shift in (0, 2, 4, 6)], axis=1)
    if bits == 3:  # then 64 bits: bit 2 of each code, in order
        codes = codes | np.unpackbits(group[:, 16:], axis=1, bitorder="little") << 2
    return codes.reshape(-1)[:count]


def read_tensors(folder):
    tensors = {}
    for path in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(path, "pt") as f:
            tensors.update({name: f.get_tensor(name) for name in f.keys()})
    return tensors


def dequantize(tensors, name, module):
    """Q, float32 [rows, cols], of the packed matrix NAME."""
    b, b0, _, block0, block1 = module["config"]
    rows, cols = module["shape"]
    count = rows * cols
    blocks = -(-count // block0)
    codes = unpack(tensors[name + ".codes"].numpy(), b, count)
    levels = unpack(tensors[name + ".scales"].numpy(), b0, blocks).astype(np.float32)
    top = tensors[name + ".scales2"].float().numpy()[np.arange(blocks) // block1]
    offset = tensors[name + ".offset"].item()
    scales = np.float32(offset) + levels * (top / np.float32(2**b0 - 1))
    return (codebook(module["codebook"], b)[codes] * np.repeat(scales, block0)[:count]).reshape(rows, cols)


def lora_scale(config, module):
    def pattern(patterns, default):
        found = (v for k, v in (patterns or {}).items() if re.match(rf"(.*\.)?({k})$", module))
        return next(found, default)

    rank = pattern(config.get("rank_pattern"), config["r"])
    alpha = pattern(config.get("alpha_pattern"), config["lora_alpha"])
    return alpha / (rank**0.5 if config.get("use_rslora") else rank)


def rebuild(packed):
    """The state dict that a packed directory stands for, float32, and how many matrices were packed."""
    tensors = read_tensors(packed)
    modules = json.loads((packed / "config.json").read_text())["quantization_config"]["modules"]
    state = {name: t.float() for name, t in tensors.items()}
    adapter = read_tensors(packed / "adapter") if (packed / "adapter").is_dir() else {}
    config = json.loads((packed / "adapter" / "adapter_config.json").read_text()) if adapter else {}
    for name, module in modules.items():
        for part in ("codes", "scales", "scales2", "offset"):
            del state[f"{name}.{part}"]
        weight = torch.from_numpy(dequantize(tensors, name, module)).double()
        stem = name.removesuffix(".weight")
        key = f"base_model.model.{stem}.lora_"
        if key + "A.weight" in adapter:
            A, B = adapter[key + "A.weight"].double(), adapter[key + "B.weight"].double()
            weight += lora_scale(config, stem) * (B @ A)
        state[stem + ".weight"] = weight.float()
    return state, len(modules)


def logits(model, ids):
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits.double()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packed", type=Path)
    parser.add_argument("export", type=Path)
    parser.add_argument("--keep-adapter", action="store_true")
    parser.add_argument("--tolerance", type=float)
    parser.add_argument("--tokens", type=int, default=32)
    args = parser.parse_args()

    dtypes = {t.dtype for t in read_tensors(args.export).values()}
    tolerance = args.tolerance or (1e-4 if dtypes == {torch.float32} else 2e-2)

    exported = AutoModelForCausalLM.from_pretrained(args.export, dtype=torch.float32, attn_implementation="eager")
    if args.keep_adapter:
        adapter = args.export / "adapter" if (args.export / "adapter").is_dir() else args.export
        exported = PeftModel.from_pretrained(exported, adapter)

    config = AutoConfig.from_pretrained(args.packed)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    expected = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")
    state, count = rebuild(args.packed)
    missing, unexpected = expected.load_state_dict(state, strict=False)
    tied = {"lm_head.weight"} if config.tie_word_embeddings else set()
    if set(missing) - tied or unexpected:
        sys.exit(f"weights missing: {sorted(set(missing) - tied)}, unknown: {unexpected}")
    expected.tie_weights()

    ids = torch.randint(0, config.vocab_size, (2, args.tokens), generator=torch.Generator().manual_seed(0))
    want, got = logits(expected, ids), logits(exported, ids)
    worst = (got - want).abs().max().item() / want.abs().max().item()
    print(f"{count} packed matrices, {args.tokens} tokens x 2: largest difference {worst:.3g} of the largest logit")
    sys.exit(0 if worst <= tolerance else 1)


main()
