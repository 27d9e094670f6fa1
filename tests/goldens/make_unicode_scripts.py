#!/usr/bin/env python3
# requirements: tokenizers==0.23.3
"""Writes src/tokenizers/unicode_scripts.inc: which characters the pre-tokenizer UnicodeScripts takes for one script, found by
asking it about every character. A row is the first character of a run and a number for its script; 0 is "any script".

    python3 tests/goldens/make_unicode_scripts.py
"""
from pathlib import Path

from tokenizers.pre_tokenizers import UnicodeScripts

OUT = Path(__file__).resolve().parents[2] / "src" / "tokenizers" / "unicode_scripts.inc"


def main():
    split = UnicodeScripts().pre_tokenize_str
    representatives, runs, last = [], [], None
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        c = chr(code)
        if not split(c):
            script = 0
        elif last and len(split(representatives[last - 1] + c)) == 1:
            script = last
        else:
            known = (i for i, r in enumerate(representatives) if len(split(r + c)) == 1)
            script = next(known, len(representatives)) + 1
            if script > len(representatives):
                representatives.append(c)
        if script != last:
            runs.append((code, script))
        last = script
    text = "// Made by tests/goldens/make_unicode_scripts.py: {first character, script}\n"
    line = ""
    for code, script in runs:
        item = f"{{0x{code:X}, {script}}}, "
        if len(line) + len(item) > 110:
            text += line.rstrip() + "\n"
            line = ""
        line += item
    OUT.write_text(text + line.rstrip() + "\n")
    print(len(runs), "runs of", len(representatives), "scripts")


if __name__ == "__main__":
    main()
