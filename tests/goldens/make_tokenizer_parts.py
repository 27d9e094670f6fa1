#!/usr/bin/env python3
# requirements: tokenizers==0.23.3 transformers==5.24.0
"""Makes tokenizers/parts.json: every normalizer, pre-tokenizer and decoder of the library `tokenizers`, rules of added tokens, and
the flags of tokenizer_config.json as transformers applies them, each as a tokenizer.json with what the library makes of some texts.

    python3 tests/goldens/make_tokenizer_parts.py
"""
import json
import tempfile
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer

OUT = Path(__file__).resolve().parent / "tokenizers" / "parts.json"
TEXTS = ["Hello there,  world! 12 345", " Ünïcode ﬁ ½ İ ÀÉ e\u0301 ", "日本語テキスト、カナ ひらがな한국어 русский abc", "a-b_c...\n\ttab\u00a0nbsp\u3000wide", "don't [x] (y) $5 50%",
         "ー長音 ABC日本", "1a2b33", "x", "", "   ", "\u200bzero\ufeff\u0007bell", "a▁b"]
TOKENS = ["▁Hello", "▁the", "re", "##ing", "un", "</w>", "lo</w>", "<0xE6>", "<0x97>", "<0xA5>", "<0xff>", "<0x41>", "Ġthe", "ÃŁ", "é", " a", "a ", " ", "h", "h", "<pad>", "h", "|", "b", ".", " .", "n't", "<s>", "▁", "##", "|!"]


def word_level(pre=None, normalizer=None, decoder=None, words=()):
    vocab = {"<unk>": 0}
    for word in words:
        vocab.setdefault(word, len(vocab))
    t = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    if pre:
        t.pre_tokenizer = pre
    if normalizer:
        t.normalizer = normalizer
    if decoder:
        t.decoder = decoder
    return t


def encoded(t, texts=TEXTS):
    return [{"text": x, "ids": t.encode(x, add_special_tokens=False).ids, "special": t.encode(x).ids} for x in texts]


def decoded(t, lists):
    return [{"ids": ids, "text": t.decode(ids, skip_special_tokens=False), "skipped": t.decode(ids, skip_special_tokens=True)} for ids in lists]


def case(name, t, texts=TEXTS, lists=(), config=None):
    return {"name": name, "json": json.loads(t.to_str()), "config": config, "encode": encoded(t, texts), "decode": decoded(t, list(lists))}


PRE = {
    "FixedLength": pre_tokenizers.FixedLength(), "FixedLength 1": pre_tokenizers.FixedLength(length=1), "FixedLength 3": pre_tokenizers.FixedLength(length=3),
    "UnicodeScripts": pre_tokenizers.UnicodeScripts(), "Whitespace": pre_tokenizers.Whitespace(), "WhitespaceSplit": pre_tokenizers.WhitespaceSplit(),
    "Bert": pre_tokenizers.BertPreTokenizer(), "ByteLevel": pre_tokenizers.ByteLevel(), "ByteLevel plain": pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    "Delimiter": pre_tokenizers.CharDelimiterSplit("-"), "Digits": pre_tokenizers.Digits(), "Digits each": pre_tokenizers.Digits(individual_digits=True),
    "Metaspace": pre_tokenizers.Metaspace(), "Metaspace first": pre_tokenizers.Metaspace(prepend_scheme="first"), "Metaspace whole": pre_tokenizers.Metaspace(prepend_scheme="never", split=False),
    "Sequence": pre_tokenizers.Sequence([pre_tokenizers.UnicodeScripts(), pre_tokenizers.FixedLength(length=2)]),
    **{f"Punctuation {b}": pre_tokenizers.Punctuation(b) for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")},
    **{f"Split {b} {i}": pre_tokenizers.Split(Regex(r"\d+|[a-c]"), b, invert=i) for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous") for i in (False, True)},
    "Split text": pre_tokenizers.Split(" ", "merged_with_next"),
}
NORMAL = {
    "NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD(), "Lowercase": normalizers.Lowercase(), "StripAccents": normalizers.StripAccents(),
    "Strip": normalizers.Strip(), "Strip right": normalizers.Strip(left=False), "Nmt": normalizers.Nmt(), "Prepend": normalizers.Prepend("▁"), "Replace": normalizers.Replace(" ", "▁"),
    "Replace regex": normalizers.Replace(Regex(r"\s+"), "_"), "ByteLevel": normalizers.ByteLevel(), "Bert": normalizers.BertNormalizer(), "Bert cased": normalizers.BertNormalizer(lowercase=False, strip_accents=True, clean_text=False, handle_chinese_chars=False),
    "Sequence": normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]),
}
DECODE = {
    "none": None, "BPE": decoders.BPEDecoder(), "BPE suffix": decoders.BPEDecoder(suffix="lo</w>"), "ByteLevel": decoders.ByteLevel(), "ByteFallback": decoders.ByteFallback(), "CTC": decoders.CTC(),
    "CTC raw": decoders.CTC(pad_token="h", word_delimiter_token=".", cleanup=False), "Fuse": decoders.Fuse(), "Metaspace": decoders.Metaspace(), "Metaspace never": decoders.Metaspace(prepend_scheme="never"),
    "Replace": decoders.Replace("▁", " "), "Replace regex": decoders.Replace(Regex("h+"), "H"), "Strip": decoders.Strip(content=" ", left=1, right=0), "Strip letter": decoders.Strip(content="h", left=1, right=0),
    "WordPiece": decoders.WordPiece(), "WordPiece raw": decoders.WordPiece(prefix="▁", cleanup=False),
    "Sequence": decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1)]),
}


def added_cases():
    texts = ["call <fn> now", "<fn>", "a <S> b<S>", "x<fn>y [U] z", "one<tok>two", "  <fn>  "]
    def bpe(**more):
        vocab = {c: i for i, c in enumerate(["<unk>", "<s>", "</s>", "▁"] + [chr(x) for x in range(97, 123)])}
        return Tokenizer(models.BPE(vocab, [], unk_token="<unk>", **more))
    t = bpe()
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(content=" ", left=1)])
    t.add_special_tokens(["<s>", "</s>", "<S>"])
    t.add_tokens(["<fn>", AddedToken("[U]", normalized=False, lstrip=True), AddedToken("<tok>", normalized=True, rstrip=True)])
    ids = [[t.token_to_id("▁"), 4, 5, t.token_to_id("<fn>"), 3, 6], [t.token_to_id("<fn>")], [1, 4, t.token_to_id("<S>"), 5, 2], [t.token_to_id("[U]"), t.token_to_id("<tok>"), 7]]
    yield case("added tokens, normalized", t, texts, ids)
    t.add_special_tokens([AddedToken("<up>", normalized=True)])
    yield case("a special token that is normalized", t, texts + ["a<up>b"], [[4, t.token_to_id("<up>"), 5]])
    t = bpe()
    t.normalizer = normalizers.Lowercase()
    t.add_tokens(["<FN>", "ABC"])
    yield case("added tokens, lower case", t, ["x<FN>y<fn>", "abc ABC AbC"], [[4, t.token_to_id("<FN>"), 5, t.token_to_id("ABC")]])
    # ids that a file gives in another way than the library
    t = bpe()
    t.add_tokens(["<tok>", "<two>"])
    content = json.loads(t.to_str())
    content["added_tokens"][0]["id"], content["added_tokens"][1]["id"] = 50000, 41
    for name, order in (("gap", (0, 1)), ("gap, reversed", (1, 0))):
        content["added_tokens"] = [content["added_tokens"][i] for i in order]
        loaded = Tokenizer.from_str(json.dumps(content))
        yield {"name": f"added ids: {name}", "json": json.loads(json.dumps(content)), "config": None, "encode": encoded(loaded, ["a<tok>b<two>"]), "decode": decoded(loaded, [[4, 30, 31]])}
    # an unknown token only among the added ones
    for model in (models.BPE({"a": 0, "b": 1}, [], unk_token="<unk>"), models.WordPiece({"a": 0, "b": 1, "ab": 2}, unk_token="<unk>"), models.WordLevel({"a": 0, "b": 1}, unk_token="<unk>")):
        t = Tokenizer(model)
        t.add_special_tokens(["<unk>"])
        yield case(f"unknown only added: {type(model).__name__}", t, ["a", "b", "a<unk>", ""])


def flag_cases():
    vocab = {c: i for i, c in enumerate(["<unk>", "<s>", "</s>", "▁", "Ġ"] + [chr(x) for x in range(97, 123)] + ["Ġa", "▁a"])}
    def gpt2(prefix=False):
        t = Tokenizer(models.BPE(vocab, [("Ġ", "a")]))
        t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=prefix), decoders.ByteLevel()
        return t
    def gpt2_prefix():
        return gpt2(True)
    def llama_never():
        t = llama()
        t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
        t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        return t
    def llama():
        t = Tokenizer(models.BPE(vocab, [("▁", "a")], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1)])
        return t
    template = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    for make, cls in ((gpt2, "GPT2Tokenizer"), (gpt2, "PreTrainedTokenizerFast"), (llama, "LlamaTokenizer"), (llama, "LlamaTokenizerFast"), (llama, "PreTrainedTokenizerFast")):
        for flags in ({"add_prefix_space": True}, {"add_prefix_space": False}, {"add_bos_token": False}, {"add_bos_token": True, "add_eos_token": True}, {"add_eos_token": True}, {"split_special_tokens": True}, {"legacy": True, "add_prefix_space": True}):
            for post in (None, template):
                t = make()
                t.add_special_tokens(["<unk>", "<s>", "</s>"])
                if post:
                    t.post_processor = post
                config = {"tokenizer_class": cls, **names, **flags}
                with tempfile.TemporaryDirectory() as folder:
                    (Path(folder) / "tokenizer.json").write_text(t.to_str())
                    (Path(folder) / "tokenizer_config.json").write_text(json.dumps(config))
                    loaded = AutoTokenizer.from_pretrained(folder)
                    texts = ["a b", " a", "a</s>a", "<s>a"]
                    encode = [{"text": x, "ids": loaded(x, add_special_tokens=False)["input_ids"], "special": loaded(x)["input_ids"]} for x in texts]
                    a = vocab["▁a" if make is llama else "Ġa"]
                    decode = [{"ids": ids, "text": loaded.decode(ids), "skipped": loaded.decode(ids, skip_special_tokens=True)} for ids in ([a, 6], [1, a, 2], [5, a])]
                yield {"name": f"{cls} {flags} {'template' if post else 'no template'}", "json": json.loads(t.to_str()), "config": config, "encode": encode, "decode": decode}
    # The class's own default where the configuration does not say; beside some models the class does not count.
    for make, cls in ((gpt2, "GPT2Tokenizer"), (gpt2_prefix, "GPT2Tokenizer"), (gpt2_prefix, "PreTrainedTokenizerFast"), (llama, "LlamaTokenizer"), (llama_never, "LlamaTokenizer"), (llama_never, "PreTrainedTokenizerFast")):
        for model in (None, "llama", "mistral"):
            for flags in ({}, {"add_prefix_space": False}):
                t = make()
                t.add_special_tokens(["<unk>", "<s>", "</s>"])
                config = {"tokenizer_class": cls, **names, **flags}
                with tempfile.TemporaryDirectory() as folder:
                    (Path(folder) / "tokenizer.json").write_text(t.to_str())
                    (Path(folder) / "tokenizer_config.json").write_text(json.dumps(config))
                    if model:
                        (Path(folder) / "config.json").write_text(json.dumps({"model_type": model}))
                    loaded = AutoTokenizer.from_pretrained(folder)
                    encode = [{"text": x, "ids": loaded(x, add_special_tokens=False)["input_ids"], "special": loaded(x)["input_ids"]} for x in ["a b", " a", "a</s>a"]]
                    a = vocab["▁a" if "llama" in make.__name__ else "Ġa"]
                    decode = [{"ids": ids, "text": loaded.decode(ids), "skipped": loaded.decode(ids, skip_special_tokens=True)} for ids in ([a, 6], [5, a])]
                yield {"name": f"{make.__name__} as {cls} {flags} beside {model}", "json": json.loads(t.to_str()), "config": config, "model": {"model_type": model} if model else None, "encode": encode, "decode": decode}


def main():
    cases = []
    for name, pre in PRE.items():
        words = [w for x in TEXTS for w, _ in pre.pre_tokenize_str(x)]
        cases.append(case(f"pre-tokenizer {name}", word_level(pre=pre, words=words)))
    for name, normalizer in NORMAL.items():
        words = [normalizer.normalize_str(x) for x in TEXTS]
        cases.append(case(f"normalizer {name}", word_level(normalizer=normalizer, words=words)))
    for name, decoder in DECODE.items():
        t = word_level(decoder=decoder, words=TOKENS)
        all_ids = [t.token_to_id(x) for x in TOKENS]
        cases.append(case(f"decoder {name}", t, ["h"], [all_ids, all_ids[::-1], all_ids[7:10], all_ids[7:9], all_ids[:3], all_ids[18:22]]))
    cases += list(added_cases()) + list(flag_cases())
    OUT.write_text(json.dumps(cases, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(len(cases), "cases,", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
