#!/usr/bin/env python3
"""Compare what lqlora exports as GGUF with what llama.cpp's own converters make of the same model.

usage: check_gguf_export.py OURS.gguf THEIRS.gguf        needs: pip install gguf

THEIRS: convert_hf_to_gguf.py DIR --outtype TYPE, or convert_lora_to_gguf.py. Keys that change what is computed or how text
becomes tokens have to be there and equal; tensors have to have the same names, types, shapes and bytes.
"""
import sys

import numpy as np
from gguf import GGUFReader

# What says how a file was made, or what llama.cpp takes from elsewhere where it is missing.
FREE = ("general.", "GGUF.", "tokenizer.ggml.add_space_prefix", "tokenizer.ggml.scores", "split.")


def value(reader, name):
    field = reader.fields[name]
    got = field.contents()
    return [round(x, 6) if isinstance(x, float) else x for x in got] if isinstance(got, list) else got


def order(scores, types):
    """What merging sees of scores: the order of normal tokens."""
    ids = [i for i, t in enumerate(types) if t == 1]
    return sorted(ids, key=lambda i: -scores[i])


def main():
    ours, theirs = GGUFReader(sys.argv[1]), GGUFReader(sys.argv[2])
    bad = []
    word_piece = "tokenizer.ggml.model" in theirs.fields and value(theirs, "tokenizer.ggml.model") == "bert"
    for name in theirs.fields:
        # WordPiece has no pre-tokenizer: llama.cpp does not look at the name.
        if name.startswith(FREE) or (word_piece and name == "tokenizer.ggml.pre"):
            continue
        if name not in ours.fields:
            # Ids of tokens that mark nothing in a text, and switches that are off.
            if name.endswith("_token_id") or value(theirs, name) is False:
                continue
            bad.append(f"{name}: missing, but {str(value(theirs, name))[:80]} there")
        elif name.endswith("token_type"):
            pairs = [(i, a, b) for i, (a, b) in enumerate(zip(value(ours, name), value(theirs, name))) if a != b]
            bad += [f"{name}[{i}]: {a}, but {b} there" for i, a, b in pairs[:5]]
        elif value(ours, name) != value(theirs, name):
            bad.append(f"{name}: {str(value(ours, name))[:80]}, but {str(value(theirs, name))[:80]} there")
    if "tokenizer.ggml.scores" in theirs.fields and "tokenizer.ggml.scores" in ours.fields:
        types = value(theirs, "tokenizer.ggml.token_type")
        if order(value(ours, "tokenizer.ggml.scores"), types) != order(value(theirs, "tokenizer.ggml.scores"), types):
            bad.append("tokenizer.ggml.scores: another order of merges")
    have = {t.name: t for t in ours.tensors}
    for t in theirs.tensors:
        o = have.pop(t.name, None)
        if o is None:
            bad.append(f"tensor {t.name}: missing")
        elif (o.tensor_type, tuple(o.shape)) != (t.tensor_type, tuple(t.shape)):
            bad.append(f"tensor {t.name}: {o.tensor_type.name} {list(o.shape)}, but {t.tensor_type.name} {list(t.shape)}")
        elif not np.array_equal(np.asarray(o.data).view(np.uint8), np.asarray(t.data).view(np.uint8)):
            bad.append(f"tensor {t.name}: other bytes")
    bad += [f"tensor {name}: not there" for name in have]
    print("\n".join(bad) if bad else f"equal: {len(theirs.tensors)} tensors, {len(theirs.fields)} keys")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
