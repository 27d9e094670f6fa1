#!/usr/bin/env python3
"""Write tests/goldens/ggml/blocks.safetensors: random valid blocks of every ggml type and what gguf-py
(pip install gguf safetensors) makes of them. For each type NAME: "NAME.blocks", U8 [blocks, bytes], and
"NAME.weights", F32 [blocks, weights].

usage: make_ggml_goldens.py [FOLDER]
"""
import pathlib
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize
from safetensors.numpy import save_file

BLOCKS = 3
# Where a block's f16 fields lie, in bytes.
SCALES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82],
          T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ2_XXS: [0], T.IQ2_XS: [0],
          T.IQ2_S: [0], T.IQ3_XXS: [0], T.IQ3_S: [0], T.IQ1_S: [0], T.IQ1_M: [], T.IQ4_NL: [0],
          T.IQ4_XS: [0], T.TQ1_0: [52], T.TQ2_0: [64], T.MXFP4: [], T.NVFP4: [], T.BF16: [], T.F16: [0]}


def random_blocks(rng, kind):
    size = GGML_QUANT_SIZES[kind][1]
    x = rng.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    for at in SCALES[kind]:
        d = (rng.standard_normal(BLOCKS) * 0.02).astype(np.float16)
        x[:, at:at + 2] = d.view(np.uint8).reshape(BLOCKS, 2)
    if kind == T.IQ1_M:  # the scale's bits are the high nibbles of four words
        d = (rng.standard_normal(BLOCKS) * 0.02).astype(np.float16).view(np.uint16)
        for word in range(4):
            x[:, 49 + 2 * word] = (x[:, 49 + 2 * word] & 15) | ((d >> (4 * word)) & 15) << 4
    if kind == T.MXFP4:
        x[:, 0] = [0, 1, 121]  # two subnormal scales and a usual one
    if kind == T.BF16:
        x[:, 1] = 0x3c
    return x


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "ggml")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(19)
    tensors = {}
    for kind in SCALES:
        x = random_blocks(rng, kind)
        y = np.ascontiguousarray(dequantize(x, kind), dtype=np.float32)
        assert np.isfinite(y).all(), kind
        tensors[f"{kind.name}.blocks"] = x
        tensors[f"{kind.name}.weights"] = y.reshape(BLOCKS, -1)
    save_file(tensors, folder / "blocks.safetensors")


if __name__ == "__main__":
    main()
