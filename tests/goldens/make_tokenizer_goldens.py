#!/usr/bin/env python3
"""Makes tests/goldens/tokenizers: small tokenizers of every kind, trained here on the text below, and what the original
libraries make of some texts with them; and shared.json: ids that the tokenizers in ../shared give for the same texts.

    python3 tests/goldens/make_tokenizer_goldens.py [--data ../shared/data]

Needs tokenizers, transformers, sentencepiece and tiktoken.
"""
import argparse
import base64
import io
import json
import sys
from pathlib import Path

import sentencepiece
import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).resolve().parent
OUT = HERE / "tokenizers"
sys.path.insert(0, str(HERE.parent / "oracles"))
import compare_tokenizers as oracles  # noqa: E402

CORPUS = """
The ferry left the harbour at seven, an hour late, and nobody on the quay seemed to mind. It's the weather, they'd say;
it isn't the captain's fault. Gulls wheeled over the crates: 12 of oranges, 345 of tinned fish, 6,789 letters and parcels.
"Will you write?" she asked. "I'll write," he said, "every week, or nearly." They had said the same in 1998 and in 2004.
Der Nebel hob sich langsam über der Mündung, und die Glocke schlug dreimal. Où est passée la clé du phare ? Demandait-on.
El niño corrió por la playa mientras su abuela leía el periódico. Привет, как дела? Всё хорошо, спасибо большое.
船は朝早く港を出た。海はとても静かだった。 배는 아침 일찍 항구를 떠났다. السفينة غادرت الميناء في الصباح
def main(args): return {key: value for key, value in args.items() if value is not None}  # tidy up
for (int i = 0; i < 10; ++i) { sum += a[i] * b[i]; }    // four spaces    and	a tab
lower lowest newer newest wider widest slower slowest faster fastest; unhappy unhappily undoing redoing rewriting
""" * 3

TEXTS = ["", " ", "a", "The ferry left.", "  two  spaces  and a tab\t\n\n new lines \r\n", "I'll WE'D it's they're 'tis",
         "1 12 123 1234 12345 6,789 3.14", "unhappiest rewriting zzz qqq", "naïve café Ünïcödé é É", "船は港を出た。 漢字",
         "emoji 👩‍👩‍👧 👍🏽 🇩🇪 ❤️", "e\u0301a\u0323\u0301 \u1e9b\u0323 ﬁ ① Å", "Привет السفينة 배는 हिन्दी", "<s>hi</s> <s> there </s>x",
         "<mask> a <mask>b", "[CLS] x [SEP] [unk] [MASK]", "<|endoftext|>a<|im_start|>b<|im_end|>", "▁a ▁▁ b", "<0x41><0x0A>",
         "wordEXTRAword EXTRA EXTRAS", "tab\there\u00a0nbsp\u3000wide\u2028sep\x85nel", "a" * 70, "ab " * 40, "\x00\x01\x7f\ufeff\u200b",
         "!!!??? --- ... \"quoted\" (x)[y]{z} $5 ^_^ a+b=c", "newest lowest " * 6, b"bad \xff\xfe caf\xe9 \xe2\x82 \xf0\x9f\x98 \xed\xa0\x80 end",
         bytes(range(128, 256))]


def train(model, trainer, normalizer=None, pre=None):
    t = Tokenizer(model)
    if normalizer is not None:
        t.normalizer = normalizer
    if pre is not None:
        t.pre_tokenizer = pre
    t.train_from_iterator(CORPUS.split("\n"), trainer)
    return t


def byte_level(size, pre, **options):
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
                                  special_tokens=options.pop("special", []))
    t = train(models.BPE(**options), trainer, pre=pre)
    t.decoder = decoders.ByteLevel()
    return t


def hf_tokenizers():
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    t = byte_level(420, pre_tokenizers.ByteLevel(add_prefix_space=True), special=special)
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    t.add_tokens([AddedToken("EXTRA", single_word=True), AddedToken("wheel", normalized=True), AddedToken("ferry", rstrip=True)])
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    yield "bpe_roberta", t

    t = byte_level(400, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(oracles.LLAMA3_REGEX), "isolated"),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
                   special=["<|endoftext|>"], ignore_merges=True)
    t.normalizer = normalizers.NFC()
    t.post_processor = processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing(
        single="<|endoftext|> $A", pair="$A $B", special_tokens=[("<|endoftext|>", 0)])])
    yield "bpe_llama3", t

    # A regular expression with none of the hand-written matchers.
    t = byte_level(380, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\s?[\w&&[^\d_]]+|\d{2}|\s+|[^\s\w]+".replace("&&[^\\d_]", "")), "isolated"),
                                                 pre_tokenizers.Digits(individual_digits=True),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]))
    yield "bpe_regex", t

    alphabet = sorted(set(CORPUS.replace("\n", "").replace(" ", "▁")) - set("船朝배아"))
    fallback = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    base = train(models.BPE(), trainers.BpeTrainer(vocab_size=300, show_progress=False, limit_alphabet=200),
                 normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), pre_tokenizers.Split("▁", "merged_with_next"))
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in json.loads(base.to_str())["model"]["merges"]]
    merges = [m for m in merges if set("".join(m)) <= set(alphabet)]
    vocab = {}
    for piece in fallback + alphabet + ["".join(m) for m in merges]:
        vocab.setdefault(piece, len(vocab))
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = base.normalizer
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    yield "bpe_byte_fallback", t
    t = Tokenizer(models.BPE({k: v for k, v in vocab.items() if not k.startswith("<0x") or k < "<0x60>"}, merges,
                             unk_token="<unk>", fuse_unk=False, byte_fallback=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    t.decoder = decoders.Metaspace(prepend_scheme="first", split=False)
    t.add_special_tokens(["<s>", "</s>"])
    yield "bpe_some_bytes", t

    t = train(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
              trainers.BpeTrainer(vocab_size=330, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False, limit_alphabet=90),
              normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents(), normalizers.Strip()]),
              pre_tokenizers.Whitespace())
    t.decoder = decoders.BPEDecoder()
    yield "bpe_suffix", t

    t = train(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"),
              trainers.BpeTrainer(vocab_size=330, special_tokens=["<unk>"], continuing_subword_prefix="##", show_progress=False, limit_alphabet=90),
              normalizers.NFKD(), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(), pre_tokenizers.Punctuation("merged_with_previous")]))
    t.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    yield "bpe_prefix", t

    t = train(models.Unigram(), trainers.UnigramTrainer(vocab_size=260, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False),
              normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
              pre_tokenizers.Metaspace(prepend_scheme="always"))
    t.decoder = decoders.Metaspace()
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A $B", special_tokens=[("</s>", 1)])
    yield "unigram", t

    t = train(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30),
              trainers.WordPieceTrainer(vocab_size=330, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False, limit_alphabet=120),
              normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer())
    t.decoder = decoders.WordPiece()
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    yield "wordpiece", t

    t = train(models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(special_tokens=["<unk>"], min_frequency=1, show_progress=False),
              pre=pre_tokenizers.Sequence([pre_tokenizers.Split(" ", "removed"), pre_tokenizers.Split(Regex(r"[aeiou]+"), "merged_with_next"),
                                           pre_tokenizers.Split(Regex(r"[^.,;:]+"), "contiguous", invert=True),
                                           pre_tokenizers.CharDelimiterSplit("-")]))
    yield "wordlevel", t


RULES = "0041\t0061\n0042\t0062 0062\nFB01\t0066 0069\n2460\t0031\n00A0\t0020\n0009\t0020\n0065 0301\t00E9\n212B\t00C5\n200B\t\n"


def sentencepiece_models():
    (OUT / "rules.tsv").write_text(RULES)
    (OUT / "corpus.txt").write_text(CORPUS)
    common = dict(input=str(OUT / "corpus.txt"), normalization_rule_tsv=str(OUT / "rules.tsv"), minloglevel=2)
    for name, options in {
            "sp_bpe": dict(model_type="bpe", vocab_size=520, byte_fallback=True, remove_extra_whitespaces=False, character_coverage=0.98),
            "sp_unigram": dict(model_type="unigram", vocab_size=200, user_defined_symbols=["EXTRA", "wheel", "▁▁"], character_coverage=0.98, pad_id=3),
            "sp_unigram_bytes": dict(model_type="unigram", vocab_size=470, byte_fallback=True, add_dummy_prefix=False, character_coverage=0.98),
            "sp_suffix": dict(model_type="bpe", vocab_size=220, treat_whitespace_as_suffix=True, user_defined_symbols=["EXTRA"], character_coverage=0.98)}.items():
        buffer = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(model_writer=buffer, **common, **options)
        yield name, buffer.getvalue()
    (OUT / "rules.tsv").unlink()
    (OUT / "corpus.txt").unlink()


class HfObject(oracles.HfFile):
    def __init__(self, t):
        self.t, self.skips = t, True


class SpBytes(oracles.SentencePiece):
    def __init__(self, data):
        self.t, self.skips = sentencepiece.SentencePieceProcessor(model_proto=data), False


class TiktokenRanks(oracles.Tiktoken):
    def __init__(self, ranks):
        self.bos, self.skips = len(ranks), False
        self.t = tiktoken.Encoding("tiny", pat_str=oracles.LLAMA3_REGEX, mergeable_ranks=ranks,
                                   special_tokens={"<|begin_of_text|>": len(ranks), "<|end_of_text|>": len(ranks) + 1})


def case(name, path, oracle):
    items = []
    for text in TEXTS:
        raw = text if isinstance(text, bytes) else text.encode()
        seen = raw.decode("utf-8", errors="replace")
        ids = list(oracle.encode(seen, False))
        item = {"text": text} if isinstance(text, str) else {"hex": raw.hex()}
        item.update(ids=ids, special=list(oracle.encode(seen, True)), decoded=oracle.decode(ids, False))
        if oracle.skips:
            item["skipped"] = oracle.decode(list(oracle.encode(seen, True)), True)
        items.append(item)
    return {"name": name, "path": path, "texts": items}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder with tokenizers/ and models/, for shared.json")
    args = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    cases = []
    kept = {}
    for name, t in hf_tokenizers():
        (OUT / name).mkdir(exist_ok=True)
        t.save(str(OUT / name / "tokenizer.json"), pretty=False)
        kept[name] = t
        cases.append(case(name, name, HfObject(Tokenizer.from_file(str(OUT / name / "tokenizer.json")))))
    charsmap = None
    for name, data in sentencepiece_models():
        (OUT / name).mkdir(exist_ok=True)
        (OUT / name / "tokenizer.model").write_bytes(data)
        cases.append(case(name, name, SpBytes(data)))
        from sentencepiece import sentencepiece_model_pb2
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(data)
        charsmap = proto.normalizer_spec.precompiled_charsmap
    # The character map inside a tokenizer.json.
    unigram = json.loads(kept["unigram"].to_str())
    unigram["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()}
    (OUT / "unigram_precompiled").mkdir(exist_ok=True)
    path = OUT / "unigram_precompiled" / "tokenizer.json"
    path.write_text(json.dumps(unigram, ensure_ascii=False))
    cases.append(case("unigram_precompiled", "unigram_precompiled", HfObject(Tokenizer.from_file(str(path)))))
    # tiktoken ranks: the bytes, then what the merges make, in order.
    model = json.loads(kept["bpe_llama3"].to_str())["model"]
    back = {c: b for b, c in enumerate(bytes_to_characters())}
    ranks = {bytes([b]): b for b in range(256)}
    for merge in model["merges"]:
        pair = merge if isinstance(merge, list) else merge.split(" ")
        ranks.setdefault(bytes(back[c] for c in "".join(pair)), len(ranks))
    (OUT / "tiktoken").mkdir(exist_ok=True)
    (OUT / "tiktoken" / "tokenizer.model").write_text("".join(f"{base64.b64encode(k).decode()} {v}\n" for k, v in ranks.items()))
    cases.append(case("tiktoken", "tiktoken", TiktokenRanks(ranks)))
    # vocab.json + merges.txt, by the classes of transformers.
    import transformers
    for name, cls in (("gpt2_files", "GPT2Tokenizer"), ("qwen2_files", "Qwen2Tokenizer")):
        folder = OUT / name
        folder.mkdir(exist_ok=True)
        (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
        lines = [" ".join(m) if isinstance(m, list) else m for m in model["merges"]]
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n")
        (folder / "tokenizer_config.json").write_text(json.dumps(
            {"tokenizer_class": cls, "eos_token": "<|endoftext|>", "additional_special_tokens": ["<|im_start|>"], "added_tokens_decoder": {
                str(len(model["vocab"])): {"content": "<|im_start|>", "special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False},
                "0": {"content": "<|endoftext|>", "special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}}}))
        t = getattr(transformers, cls).from_pretrained(str(folder))
        cases.append(case(name, name, HfObject(t._tokenizer)))
    (OUT / "bert_files").mkdir(exist_ok=True)
    wordpiece = kept["wordpiece"]
    pieces = sorted(wordpiece.get_vocab().items(), key=lambda kv: kv[1])
    (OUT / "bert_files" / "vocab.txt").write_text("".join(p + "\n" for p, _ in pieces))
    bert = transformers.BertTokenizer.from_pretrained(str(OUT / "bert_files"))
    cases.append(case("bert_files", "bert_files", HfObject(bert._tokenizer)))
    (OUT / "cases.json").write_text(json.dumps(cases, ensure_ascii=False, separators=(",", ":")))
    if args.data:
        shared = [case(name, folder, kind(args.data / folder)) for name, (folder, kind) in oracles.TOKENIZERS.items()]
        (OUT / "shared.json").write_text(json.dumps(shared, ensure_ascii=False, separators=(",", ":")))


def bytes_to_characters():
    own = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    rest = iter(range(256, 512))
    return [chr(b) if b in own else chr(next(rest)) for b in range(256)]


if __name__ == "__main__":
    main()
