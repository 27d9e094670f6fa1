#!/usr/bin/env python3
"""Compares two folders that two builds of lqlora wrote, file by file.

usage: compare_outputs.py OLD NEW; prints each difference and exits with 1 if there is one.

Every file must have the same bytes, but for what names a version or how a matrix is described:
  config.json   quantization_config: version and each module's "codebook" (1) or "format" (2) are brought to one form
  any JSON      keys that the old program does not write, where their value says what it did (DEFAULTS)
  lqlora.json   keys that an earlier form had under another name (RENAMED), times, memory, and what states the job
  *.safetensors header metadata may name the program's version; all tensors must have the same bytes; statistics may
                have second moments of inputs weighted by gradients besides (ADDED)
  *.json, *.jsonl  times, memory and the folder's size
  events.out.*  left out: it holds the values of log.jsonl with the times at which they were written
Only the standard library is used.
"""
import gzip
import json
import pathlib
import struct
import sys

# Keys whose values differ from run to run, or that name a version.
VOLATILE = {
    "seconds",
    "peak_rss_bytes",
    "tokens_per_second",
    "wall_time",
    "output_bytes",  # config.json is written in another form
    "lqlora",
    "format_version",
    "job",
    "files",
    "timings",
}
# Keys that the old program does not write, with the value that says what it did.
DEFAULTS = {"use_dora": False}
# Ends of names of tensors that the old program does not write.
ADDED = (".weighted_input_moment",)
# Old key -> new key, in JSON written by the program.
RENAMED = {}


def plain(value):
    """A JSON value without what may differ."""
    if isinstance(value, dict):
        value = {k: v for k, v in value.items() if DEFAULTS.get(k, ...) != v}
        return {RENAMED.get(k, k): plain(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def plain_config(value):
    """config.json with quantization_config in the form of version 2."""
    quantization = value.get("quantization_config")
    if quantization:
        quantization.pop("version", None)
        for module in quantization.get("modules", {}).values():
            module.setdefault("format", module.pop("codebook", "nf"))
    return value


def tensors(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    body = data[8 + size :]
    return {
        name: (t["dtype"], t["shape"], body[t["data_offsets"][0] : t["data_offsets"][1]]) for name, t in header.items()
    }


def same(old, new):
    """None, or what differs."""
    if old.read_bytes() == new.read_bytes():
        return None
    name = old.name.removesuffix(".gz")
    if name.endswith(".safetensors"):
        a, b = tensors(old), tensors(new)
        for key in [k for k in b if k.endswith(ADDED) and k not in a]:
            del b[key]
        if a.keys() != b.keys():
            return f"tensors {sorted(a.keys() ^ b.keys())[:5]}"
        for key in a:
            if a[key] != b[key]:
                return f"tensor {key}: {a[key][:2]} and {b[key][:2]}"
        return None
    if name.endswith(".json"):
        read = gzip.open if old.name.endswith(".gz") else open
        with read(old, "rt") as f, read(new, "rt") as g:
            a, b = json.load(f), json.load(g)
        if name == "config.json":
            a, b = plain_config(a), plain_config(b)
        a, b = plain(a), plain(b)
        if a == b:
            return None
        if isinstance(a, dict) and isinstance(b, dict):
            return "keys " + ", ".join(sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))[:8])
        return "values"
    if name.endswith(".jsonl"):
        a = [plain(json.loads(line)) for line in old.read_text().splitlines()]
        b = [plain(json.loads(line)) for line in new.read_text().splitlines()]
        return None if a == b else "lines"
    return "bytes"


def main():
    old, new = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    a = {p.relative_to(old) for p in old.rglob("*") if p.is_file() and not p.name.startswith("events.out.")}
    b = {p.relative_to(new) for p in new.rglob("*") if p.is_file() and not p.name.startswith("events.out.")}
    found = [f"{p}: only in one of the two" for p in sorted(a ^ b)]
    for path in sorted(a & b):
        difference = same(old / path, new / path)
        if difference:
            found.append(f"{path}: {difference}")
    for line in found:
        print(line)
    print(f"compared: {len(a & b)} files, {len(found)} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
