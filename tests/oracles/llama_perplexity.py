#!/usr/bin/env python3
"""Perplexity as llama-perplexity counts it, by lqlora: windows of 512 tokens, of which the predictions in the second half
count. Of each window lqlora measures all of it and its first 257 tokens; the difference is what the second half takes.
Where the tokenizer begins texts with a token (BOS), llama-perplexity puts it in the first place of every window.

usage: llama_perplexity.py LQLORA MODEL TEXT CHUNKS [FLAGS OF EVAL...]      TEXT has one line
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

WINDOW = 512


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main():
    program, model, path, chunks, *flags = sys.argv[1:]
    line = pathlib.Path(path).read_text().rstrip("\n")
    ids = run(program, "--quiet", "tokenize", model, text=line).split()
    begun = run(program, "--quiet", "tokenize", model, "--special", text=line).split()
    bos = 1 if begun[1:len(ids) + 1] == ids else 0  # eval adds it by itself
    ids = begun[:bos] + ids
    with tempfile.TemporaryDirectory() as folder:
        part = pathlib.Path(folder) / "part.txt"

        def total(tokens):
            text = run(program, "--quiet", "tokenize", model, "--decode", text=" ".join(tokens)).removesuffix("\n")
            if run(program, "--quiet", "tokenize", model, text=text).split() != tokens:
                return None
            part.write_text(text)
            result = json.loads(run(program, "--quiet", "--json", "-", "eval", model, *flags, "--tasks", "perplexity", "--data",
                                    str(part), "--seq-len", str(WINDOW)))["perplexity"]
            assert result["tokens"] == len(tokens) - 1 + bos, result
            return result["nll_per_token"] * result["tokens"]

        nll = count = used = 0
        for chunk in range(min(int(chunks), len(ids) // WINDOW)):
            window = ids[chunk * WINDOW:(chunk + 1) * WINDOW]
            whole, first = total(window[bos:]), total(window[bos:WINDOW // 2 + 1])
            if whole is None or first is None:
                raise SystemExit(f"the text of window {chunk} becomes other tokens: choose another text")
            nll += whole - first
            count += WINDOW - WINDOW // 2 - 1
            used += 1
    print(f"{math.exp(nll / count):.6f}")


if __name__ == "__main__":
    main()
