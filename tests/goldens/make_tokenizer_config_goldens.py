# requirements: torch==2.13.0 transformers==5.24.0
"""Makes tokenizers/beside.json: what the small files beside a tokenizer.json change, as transformers' AutoTokenizer has it.

usage: make_tokenizer_config_goldens.py [OUT]     (OUT defaults to tokenizers/beside.json beside this script)

Each case names a tokenizer.json of tests/goldens/tokenizers, the files beside it, and for each text its ids with special tokens and what they
decode to, with special tokens and without.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

from transformers import AutoTokenizer

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent / "tokenizers"

BPE = ["Hello <tool>, it's <|endoftext|> x", "a <tool>b<x> <y>c", "", "<tool>", "  <x>  "]
WORDS = ["Hello WORLD [MASK] \u00dcn\u00efcode", "\u4e2d\u6587 x", "a <tool> b", "[SEP]"]

GENERIC = {"tokenizer_class": "PreTrainedTokenizerFast"}
LLAMA = {"model_type": "llama"}
BERT = {"model_type": "bert"}


def token(content, **flags):
    return {"content": content, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True} | flags


CASES = [
    ("a name that is new", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"eos_token": "<tool>", "pad_token": "<x>"}, "config.json": LLAMA}),
    ("the order of names", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"mask_token": "<x>", "pad_token": "<y>", "sep_token": "<tool>"},
                                          "config.json": LLAMA}),
    ("a name of the model's own", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"image_token": "<tool>"}, "config.json": LLAMA}),
    ("a name with flags", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"eos_token": {"__type": "AddedToken"} | token("<tool>", lstrip=True)},
                                         "config.json": LLAMA}),
    ("extra_special_tokens, a list", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"extra_special_tokens": ["<tool>", "<x>"]},
                                                    "config.json": LLAMA}),
    ("extra_special_tokens, names", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"extra_special_tokens": {"t_token": "<tool>"}},
                                                   "config.json": LLAMA}),
    ("additional_special_tokens", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"additional_special_tokens": ["<x>", "<tool>"]},
                                                 "config.json": LLAMA}),
    ("both lists", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"extra_special_tokens": ["<x>"], "additional_special_tokens": ["<tool>"]},
                                  "config.json": LLAMA}),
    ("the map alone", "bpe_llama3", {"tokenizer_config.json": GENERIC, "config.json": LLAMA,
                                     "special_tokens_map.json": {"eos_token": token("<tool>", rstrip=True), "bos_token": "<|endoftext|>"}}),
    ("the map before the config", "bpe_llama3", {"tokenizer_config.json": GENERIC | {"eos_token": "<x>"}, "config.json": LLAMA,
                                                 "special_tokens_map.json": {"eos_token": "<tool>"}}),
    ("no map beside a decoder", "bpe_llama3", {
        "tokenizer_config.json": GENERIC | {"eos_token": "<x>", "added_tokens_decoder": {"0": token("<|endoftext|>")}}, "config.json": LLAMA,
        "special_tokens_map.json": {"eos_token": "<tool>"}}),
    ("flags of the decoder", "bpe_llama3", {
        "tokenizer_config.json": GENERIC | {"added_tokens_decoder": {"0": token("<|endoftext|>", lstrip=True, rstrip=True)}},
        "config.json": LLAMA}),
    ("new ones of the decoder, by ids", "bpe_llama3", {
        "tokenizer_config.json": GENERIC | {"added_tokens_decoder": {"410": token("<x>"), "409": token("<tool>", special=False)}},
        "config.json": LLAMA}),
    ("no lower case", "wordpiece", {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False}, "config.json": BERT}),
    ("no lower case, without a class", "wordpiece", {"tokenizer_config.json": {"do_lower_case": False}, "config.json": BERT}),
    ("accents kept", "wordpiece", {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "strip_accents": False}, "config.json": BERT}),
    ("no room around Chinese", "wordpiece", {
        "tokenizer_config.json": {"tokenizer_class": "DistilBertTokenizer", "tokenize_chinese_chars": False},
        "config.json": {"model_type": "distilbert"}}),
    ("bert with a new name", "wordpiece", {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "additional_special_tokens": ["<tool>"]},
                                           "config.json": BERT}),
]


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "beside.json"
    made = []
    for name, base, files in CASES:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "tokenizer.json").write_bytes((HERE / base / "tokenizer.json").read_bytes())
            for file, value in files.items():
                (Path(folder) / file).write_text(json.dumps(value))
            t = AutoTokenizer.from_pretrained(folder)
            texts = []
            for text in WORDS if base == "wordpiece" else BPE:
                ids = t(text).input_ids
                plain = {"clean_up_tokenization_spaces": False}
                texts.append({"text": text, "ids": ids, "decoded": t.decode(ids, **plain),
                              "skipped": t.decode(ids, skip_special_tokens=True, **plain)})
            made.append({"name": name, "base": base, "files": files, "texts": texts})
    out.write_text(json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
