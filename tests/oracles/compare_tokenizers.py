#!/usr/bin/env python3
"""Compares our tokenizers with Hugging Face `tokenizers` / transformers, sentencepiece and tiktoken, id for id.

    python3 tests/oracles/compare_tokenizers.py --program build/tokenize_frames --data ../shared/data [--time] [NAME ...]

Texts: every dataset file (whole, and cut into paragraphs), hostile ones, and every code point of Unicode in a small context.
Checks encoding without and with special tokens, decoding (with and without special tokens) and streamed decoding.
--time measures one thread of each on wikitext-2 and tinystories, alternating, in processor time, and prints the ratio.
"""
import argparse
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

LLAMA3_REGEX = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                r"|\s*[\r\n]+|\s+(?!\S)|\s+")


class HfFile:
    """tokenizer.json by `tokenizers`."""

    def __init__(self, folder):
        from tokenizers import Tokenizer
        self.t = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.skips = True

    def encode(self, text, special):
        return self.t.encode(text, add_special_tokens=special).ids

    def decode(self, ids, skip):
        return self.t.decode(ids, skip_special_tokens=skip)


class HfVocab:
    """vocab.json + merges.txt by the class of transformers."""

    def __init__(self, folder):
        import transformers
        name = "Qwen2Tokenizer" if "qwen" in folder.name else "GPT2Tokenizer"
        self.t = getattr(transformers, name).from_pretrained(str(folder))
        self.skips = True

    def encode(self, text, special):
        return self.t._tokenizer.encode(text, add_special_tokens=special).ids

    def decode(self, ids, skip):
        return self.t._tokenizer.decode(ids, skip_special_tokens=skip)


class SentencePiece:
    """tokenizer.model by sentencepiece; BOS as Llama has it."""

    def __init__(self, folder):
        import sentencepiece
        self.t = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        self.skips = False

    def encode(self, text, special):
        return ([self.t.bos_id()] if special else []) + self.t.encode(text)

    def decode(self, ids, skip):
        return self.t.decode(ids)


class Tiktoken:
    """Llama 3's ranks by tiktoken, with the regular expression and the special tokens of Meta's code."""

    def __init__(self, folder):
        import tiktoken
        from tiktoken.load import load_tiktoken_bpe
        ranks = load_tiktoken_bpe(str(folder / "tokenizer.model"))
        names = ["<|begin_of_text|>", "<|end_of_text|>"]
        names += [f"<|reserved_special_token_{i}|>" for i in range(4)]
        names += ["<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>"]
        names += [f"<|reserved_special_token_{i}|>" for i in range(5, 251)]
        special = {n: len(ranks) + i for i, n in enumerate(names)}
        self.bos = special["<|begin_of_text|>"]
        self.t = tiktoken.Encoding("llama3", pat_str=LLAMA3_REGEX, mergeable_ranks=ranks, special_tokens=special)
        self.skips = False

    def encode(self, text, special):
        return ([self.bos] if special else []) + self.t.encode(text, allowed_special="all")

    def decode(self, ids, skip):
        return self.t.decode(ids, errors="replace")


TOKENIZERS = {
    "quill": ("models/quill", HfFile), "tinyllama": ("tokenizers/tinyllama", HfFile),
    "bert-uncased": ("tokenizers/bert-uncased", HfFile), "gpt2": ("tokenizers/gpt2", HfVocab),
    "qwen2": ("tokenizers/qwen2", HfVocab), "llama2": ("tokenizers/llama2", SentencePiece),
    "stories260K": ("models/stories260K/hf", SentencePiece), "llama3": ("tokenizers/llama3", Tiktoken),
}


class Ours:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, mode, payloads):
        data = b"".join(struct.pack("<I", len(p)) + p for p in payloads)
        out = subprocess.run([self.program, str(self.folder), mode], input=data, stdout=subprocess.PIPE,
                             check=True).stdout
        frames, at = [], 0
        while at < len(out):
            (n,) = struct.unpack_from("<I", out, at)
            frames.append(out[at + 4:at + 4 + n])
            at += 4 + n
        assert len(frames) == len(payloads), (len(frames), len(payloads))
        return frames

    def encode(self, texts, special):
        frames = self.run("special" if special else "plain", texts)
        return [list(struct.unpack(f"<{len(f) // 4}i", f)) for f in frames]

    def decode(self, lists, mode):
        return [f.decode() for f in self.run(mode, [struct.pack(f"<{len(i)}i", *i) for i in lists])]


def hostile():
    yield b""
    for text in [" ", "  ", "\n", "\n\n\n", "\t \t", " \n ", "a", " a", "a ", "  a  b  ", "a\r\nb\r\n\r\nc", "\u00a0a\u3000b\u2028c\x85d\u180ee",
                 "I'm don't WE'LL they've 's 'S \u2019s '\u017f x'RE '", "1 12 123 1234 12345 \u0661\u0662\u0663\u0664 \u2167\u00bd\u00b2",
                 "e\u0301 \u00e9 \u1e9b\u0323 \ufb01 \u212b \u03d3\u0301 a\u0301\u0323\u0301", "\u0130I\u0131\u00df\u1e9e \u03a3\u03c3\u03c2",
                 "\U0001F468\u200D\U0001F469\u200D\U0001F467 \U0001F1E9\U0001F1EA \U0001F44D\U0001F3FD \u2764\ufe0f",
                 "\u4f60\u597d\uff0c\u4e16\u754c\u3002 \u3053\u3093\u306b\u3061\u306f \uc548\ub155 \u1112\u1161\u11ab",
                 "\u0633\u0644\u0627\u0645 \u0939\u093f\u0928\u094d\u0926\u0940 \u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22",
                 "Z\u0351\u036b\u0343\u0352\u0342a\u0334\u0335\u0320lgo", "\u2581a \u2581\u2581 b\u2581c", "<0x41><0x0A>", "<unk><s></s>",
                 "<s> hi </s>there<s>", "x<|bos|>y <|eos|>", "<|begin_of_text|>a<|eot_id|> b<|reserved_special_token_7|>",
                 "<|im_start|>user\nhi<|im_end|>\n", "<|endoftext|> <|endoftext|>a", "[CLS] a [SEP][MASK]b[UNK]", "[cls]<S>",
                 "<|im_start<|im_start|>", "\ufeffbom \u200bzero \u00adsoft", "\x00\x01\x7f a\x0bb\x0cc", "a" * 200, "ab" * 3000, " " * 5000,
                 "\n" * 3000, "!" * 3000, "1" * 3000, "x y" * 2000, "\u4e2d" * 2000, "\U0001F600" * 1000,
                 "".join(chr(0x300 + i % 0x50) for i in range(3000)), "don't" * 500, "\u00e9" * 999, "=-" * 999 + "\n" * 7 + " \n x"]:
        yield text.encode()
    yield b"\xff\xfe a \xc3( \xe2\x82 \xf0\x9f\x98 \xed\xa0\x80 \xc0\xaf \x80\x80 ok\xf4\x90\x80\x80"
    yield bytes(range(256)) * 3
    yield b"caf\xe9 na\xefve \xe2\x82\xac\xe2\x82"
    yield b"a" * 1000000
    yield ("x" * 499999 + "\u00e9" * 250000).encode()
    yield bytes((i * 7919 + i // 7) % 26 + 97 for i in range(1000000))


def code_points():
    """All code points but surrogates, a few to a text, each among letters and spaces."""
    points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and c not in range(0x20000, 0x2A000)
              and not 0x2B000 <= c < 0xE0000 and c < 0xF0000]
    for i in range(0, len(points), 16):
        yield "".join(f"x{chr(c)}y {chr(c)}1 {chr(c)} {chr(c)}{chr(c)}\n" for c in points[i:i + 16]).encode()


def dataset_texts(data):
    for path in sorted((data / "datasets").rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            yield f"{path.relative_to(data)} whole", raw
            if path.stat().st_size < 1 << 20:
                for i, part in enumerate(raw.split(b"\n")[:400]):
                    yield f"{path.relative_to(data)} line {i + 1}", part


def compare(name, oracle, ours, named_texts, report):
    texts = [t for _, t in named_texts]
    decoded = [t.decode("utf-8", errors="replace") for t in texts]
    bad = 0
    for special in (False, True):
        expected = [list(oracle.encode(t, special)) for t in decoded]
        got = ours.encode(texts, special)
        for (what, _), e, g, t in zip(named_texts, expected, got, decoded):
            if e != g:
                bad += 1
                if bad <= report:
                    i = next((i for i, (a, b) in enumerate(zip(e, g)) if a != b), min(len(e), len(g)))
                    print(f"  {name}: {what} special={special}: {len(e)} expected, {len(g)} got, differ at {i}: "
                          f"{e[max(0, i - 2):i + 4]} {g[max(0, i - 2):i + 4]} {oracle.decode(e[max(0, i - 2):i + 4], False)!r}")
    ids = [oracle.encode(t, True) for t in decoded]
    # Ids in an order that no text gives, too: single ids and odd neighbours.
    ids += [[(i * 104729 + k * 7919) % 500 for k in range(12)] for i in range(200)]
    for mode, skip in (("decode", False), ("decode_skip", True), ("stream", False)):
        expected = [oracle.decode(i, skip) for i in ids]
        if skip and not oracle.skips:
            continue
        small = [k for k in range(len(ids)) if mode != "stream" or len(ids[k]) < 3000]
        got = ours.decode([ids[k] for k in small], mode)
        for k, g in zip(small, got):
            e = expected[k]
            if e != g and not (mode == "stream" and k >= len(texts)):  # see stream_decoder.h on broken bytes
                bad += 1
                if bad <= report:
                    i = next((i for i, (a, b) in enumerate(zip(e, g)) if a != b), min(len(e), len(g)))
                    print(f"  {name}: {mode} of {named_texts[k][0] if k < len(texts) else ids[k]}: differ at {i}: "
                          f"{e[max(0, i - 10):i + 20]!r} {g[max(0, i - 10):i + 20]!r}")
    print(f"{name}: {len(texts)} texts, {sum(map(len, texts))} bytes: {bad} differences", flush=True)
    return bad


def measure(name, oracle, program, folder, data):
    for file in ("datasets/wikitext-2/valid.txt", "datasets/tinystories/tinystories_sample_2M.txt"):
        raw = (data / file).read_bytes()
        text = raw.decode("utf-8", errors="replace")
        theirs, mine = 1e9, 1e9
        for _ in range(3):
            start = time.process_time()
            oracle.encode(text, False)
            theirs = min(theirs, time.process_time() - start)
            out = subprocess.run([program, str(folder), "time", str(data / file)], stdout=subprocess.PIPE, check=True)
            mine = min(mine, float(out.stdout))
        mb = len(raw) / 1e6
        print(f"{name}: {Path(file).name}: {type(oracle).__name__} {mb / theirs:.2f} MB/s, ours {mb / mine:.2f} MB/s, "
              f"{theirs / mine:.1f} times", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the built tokenize_frames")
    parser.add_argument("--data", type=Path, required=True, help="the folder with datasets/, tokenizers/ and models/")
    parser.add_argument("--time", action="store_true", help="measure speed instead of comparing")
    parser.add_argument("--parts", default="hostile,points,datasets")
    parser.add_argument("--report", type=int, default=10, help="differences to print for each tokenizer and part")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TOKENIZERS))
    args = parser.parse_args()
    bad = 0
    for name in args.names or TOKENIZERS:
        folder, kind = TOKENIZERS[name]
        folder = args.data / folder
        oracle = kind(folder)
        if args.time:
            measure(name, oracle, args.program, folder, args.data)
            continue
        ours = Ours(args.program, folder)
        if "hostile" in args.parts:
            bad += compare(f"{name} hostile", oracle, ours, [(f"hostile {i}", t) for i, t in enumerate(hostile())], args.report)
        if "points" in args.parts:
            bad += compare(f"{name} code points", oracle, ours, [(f"points {i * 16:#x}", t) for i, t in enumerate(code_points())],
                           args.report)
        if "datasets" in args.parts:
            bad += compare(f"{name} datasets", oracle, ours, list(dataset_texts(args.data)), args.report)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
