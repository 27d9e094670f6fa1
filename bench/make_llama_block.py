#!/usr/bin/env python3
"""Write a sharded Hugging Face checkpoint of BLOCKS random Llama-2-7B-shaped blocks in bf16, to measure `quantize` on.

usage: make_llama_block.py OUT [BLOCKS]     (needs numpy)
"""
import json
import pathlib
import sys

import numpy as np

SHAPES = {
    "self_attn.q_proj": (4096, 4096),
    "self_attn.k_proj": (4096, 4096),
    "self_attn.v_proj": (4096, 4096),
    "self_attn.o_proj": (4096, 4096),
    "mlp.gate_proj": (11008, 4096),
    "mlp.up_proj": (11008, 4096),
    "mlp.down_proj": (4096, 11008),
}


def bf16_bytes(shape, seed):
    values = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32) * np.float32(0.02)
    return (values.view(np.uint32) >> 16).astype("<u2").tobytes()


def main():
    out, blocks = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    out.mkdir(parents=True, exist_ok=True)
    weight_map = {}
    for block in range(blocks):
        file = f"model-{block + 1:05d}-of-{blocks:05d}.safetensors"
        header, offset = {"__metadata__": {"format": "pt"}}, 0
        for name, (rows, cols) in SHAPES.items():
            full = f"model.layers.{block}.{name}.weight"
            end = offset + 2 * rows * cols
            header[full] = {"dtype": "BF16", "shape": [rows, cols], "data_offsets": [offset, end]}
            weight_map[full], offset = file, end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(out / file, "wb") as f:
            f.write(len(text).to_bytes(8, "little") + text)
            for seed, shape in enumerate(SHAPES.values(), 100 * block):
                f.write(bf16_bytes(shape, seed))
    index = {"metadata": {"total_size": offset * blocks}, "weight_map": weight_map}
    (out / "model.safetensors.index.json").write_text(json.dumps(index))
    (out / "config.json").write_text(json.dumps({"architectures": ["BlocksAlone"], "model_type": "blocks"}))


if __name__ == "__main__":
    main()
