#!/usr/bin/env python3
"""Compare llama.cpp's embeddings from a GGUF file with transformers' of the model that it was made of.

usage: llama_embedding.py LLAMA_EMBEDDING FILE.gguf MODEL_DIR        needs: torch, transformers

Mean over the tokens, length 1, as sentence encoders do. Prints the largest difference of an element and the least
cosine. llama.cpp's GELU is the tanh formula from a table of half precision, BERT's is the error function: elements differ
by some 1e-3, and the cosine tells whether the two agree.
"""
import json
import subprocess
import sys

import torch
from transformers import AutoModel, AutoTokenizer

TEXTS = ["The ferry left the harbour at seven.", "Gulls wheeled over the crates.", "unbelievably good!",
         "Caf\u00e9s in S\u00e3o Paulo, 2024: naïve? \u4e2d\u6587"]


def embedding(program, file, text):
    """On a busy machine llama.cpp's tools may end before all that they print is out: they are asked again."""
    for _ in range(9):
        out = subprocess.run([program, "-m", file, "-p", text, "--pooling", "mean", "--embd-normalize", "2",
                              "--embd-output-format", "json", "-t", "2"], capture_output=True, text=True, check=True)
        try:
            return json.loads(out.stdout)["data"][0]["embedding"]
        except json.JSONDecodeError:
            continue
    sys.exit(f"{program} printed no whole embedding of {file}")


def main():
    program, file, folder = sys.argv[1:]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    worst, least = 0.0, 1.0
    for text in TEXTS:
        theirs = torch.tensor(embedding(program, file, text))
        with torch.no_grad():
            ids = tokenizer(text, return_tensors="pt", padding=False, truncation=False)
            hidden = model(**ids).last_hidden_state[0].mean(0)
        ours = hidden / hidden.norm()
        worst = max(worst, float((ours - theirs).abs().max()))
        least = min(least, float(torch.dot(ours, theirs) / theirs.norm()))
    print(f"largest difference {worst:.2e}, least cosine {least:.6f}")
    return 0 if least > 0.9999 else 1


if __name__ == "__main__":
    sys.exit(main())
