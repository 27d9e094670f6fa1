# requirements: torch==2.13.0 numpy==2.4.6 safetensors==0.8.0 scipy bitsandbytes==0.50.2 click jaxtyping optree tqdm
"""Relative errors of the LQ-LoRA authors' own code on GPT-2's attention matrices.

usage: make_authors_errors.py AUTHORS MODELS OUT.json

AUTHORS is a checkout of github.com/HanGuo97/lq-lora, MODELS a folder with GPT-2's layer_00.safetensors and
layer_06.safetensors. A matrix is taken as its file stores it ([in, out] for GPT-2), flattened row-major. Rank 0
is quantization alone, ||W - Q|| / ||W||; other ranks are the authors' decomposition, ||W - Q - L1 L2|| / ||W||,
which ends one iteration after its best one. Norms are taken in float64. Their packing needs CUDA; their
emulation ("fake") gives the same numbers without it.
"""

import json
import sys
import types
import warnings

import torch
import torch._inductor.codecache
from safetensors.torch import load_file

QUERY = ("layer_06.safetensors", "h.6.attn.query.weight")
PROJ = ("layer_00.safetensors", "h.0.attn.proj.weight")

CASES = [
    (QUERY, (2, 8, "fp32", 64, 256), 0),
    (QUERY, (2, 2, "bf16", 16, 16), 0),
    (QUERY, (3, 8, "fp32", 64, 256), 0),
    (QUERY, (3, 4, "fp16", 32, 64), 0),
    (QUERY, (4, 3, "bf16", 16, 256), 0),
    (QUERY, (8, 8, "fp32", 64, 256), 0),
    (PROJ, (2, 3, "fp16", 32, 16), 0),
    (PROJ, (3, 2, "fp32", 64, 16), 0),
    (PROJ, (4, 8, "fp32", 64, 256), 0),
    (PROJ, (4, 4, "bf16", 64, 64), 0),
    (PROJ, (8, 3, "fp16", 32, 256), 0),
    (PROJ, (8, 2, "bf16", 16, 64), 0),
    (QUERY, (3, 8, "fp32", 64, 256), 64),
    (QUERY, (4, 3, "bf16", 16, 256), 64),
    (PROJ, (2, 3, "fp16", 32, 16), 64),
]


class Stub(types.ModuleType):
    """A module the authors import and this computation never calls."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return torch.Tensor


def remote(*args, **kwargs):
    return lambda f: f


def fake_tensor_quant(x, amax, num_bits=8, unsigned=False, narrow_range=True):
    """NVIDIA pytorch_quantization's function of this name, from its definition."""
    high = 2.0 ** (num_bits - 1 + int(unsigned)) - 1.0
    low = 0.0 if unsigned else (-high if narrow_range else -high - 1.0)
    tiny = amax <= 2.0**-24
    scale = torch.where(tiny, torch.zeros_like(amax), high / amax)
    out = torch.clamp((x * scale).round(), low, high)
    return out / torch.where(tiny, torch.ones_like(scale), scale)


def import_authors(path):
    sys.path.insert(0, path)
    torch._inductor.codecache.AsyncCompile = None
    for name in ("gurobipy", "ray", "pytorch_quantization"):
        sys.modules[name] = Stub(name)
    sys.modules["ray"].remote = remote
    sys.modules["pytorch_quantization"].tensor_quant = types.SimpleNamespace(fake_tensor_quant=fake_tensor_quant)
    import models

    sys.modules["models.packbits_utils"] = models.packbits_utils = Stub("models.packbits_utils")
    from models import lq_utils, quantization_utils

    real = lq_utils.maybe_sparsify_or_quantize
    lq_utils.maybe_sparsify_or_quantize = lambda A, qconfig: real(A, qconfig, fake=True)
    return lq_utils, quantization_utils


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    authors, folder, out = sys.argv[1:]
    warnings.filterwarnings("ignore")
    lq, qu = import_authors(authors)
    rows = []
    for (file, name), config, rank in CASES:
        W = load_file(f"{folder}/{file}")[name].to(torch.float32)
        qconfig = qu.QuantConfig(*config)
        torch.manual_seed(0)
        with torch.no_grad():
            if rank == 0:
                approx = qu.quantize(W, "blockwise-nf", qconfig).double()
            else:
                L1, L2, Q, _ = lq.lowrank_quantized_sparse_decomposition_maybe_cast(
                    A=W, num_ranks=rank, qconfig=qconfig
                )
                approx = Q.double() + L1.double() @ L2.double()
        error = ((W.double() - approx).norm() / W.double().norm()).item()
        rows.append(
            {
                "file": file,
                "matrix": name,
                "config": list(config),
                "rank": rank,
                "relative_error": float(f"{error:.9g}"),
            }
        )
    with open(out, "w") as f:
        f.write('{\n "orientation": "as stored in the file, [in, out], flattened row-major",\n "cases": [\n')
        f.write(",\n".join("  " + json.dumps(r) for r in rows) + "\n ]\n}\n")


main()
