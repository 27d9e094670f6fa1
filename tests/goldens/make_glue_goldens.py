#!/usr/bin/env python3
# requirements: tokenizers==0.23.3 transformers==5.24.0 scikit-learn==1.9.1 scipy==1.17.1
"""Makes glue.json: scores of labels and numbers by scikit-learn and SciPy, and pairs of texts as the library `tokenizers` puts them
together and cuts them ("longest_first"), with the small tokenizers of tests/goldens/tokenizers.

    python3 tests/goldens/make_glue_goldens.py
"""
import json
from pathlib import Path

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from tokenizers import Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer

HERE = Path(__file__).resolve().parent
TEXTS = ["The ferry left the harbour at seven.", "Gulls wheeled over the crates: 12 of oranges.", "yes", "", "unhappiest rewriting zzz, don't  they?",
         "Der Nebel hob sich langsam über der Mündung, und die Glocke schlug dreimal. \"Will you write?\" she asked."]


def classes(rng, n, k, noise):
    truth = rng.integers(0, k, n)
    guess = np.where(rng.random(n) < noise, rng.integers(0, k, n), truth)
    return {"predicted": guess.tolist(), "truth": truth.tolist(), "accuracy": accuracy_score(truth, guess),
            "f1": f1_score(truth, guess, labels=[1], average="macro", zero_division=0.0) if k > 2 else f1_score(truth, guess, zero_division=0.0),
            "matthews": matthews_corrcoef(truth, guess)}


def numbers(rng, n, noise, ties):
    truth = rng.random(n) * 5
    guess = truth + noise * rng.standard_normal(n)
    if ties:
        truth, guess = np.round(truth * 2) / 2, np.round(guess)
    return {"x": guess.tolist(), "y": truth.tolist(), "pearson": pearsonr(guess, truth).statistic, "spearman": spearmanr(guess, truth).statistic}


def pairs(name):
    folder = HERE / "tokenizers" / name
    if (folder / "tokenizer.json").exists():
        t = Tokenizer.from_file(str(folder / "tokenizer.json"))
    else:
        t = BertWordPieceTokenizer(str(folder / "vocab.txt"))._tokenizer
    out = []
    for i, a in enumerate(TEXTS):
        for j, b in enumerate([None, *TEXTS]):
            for most in (6, 9, 16, 64):
                t.no_truncation()
                whole = t.encode(a, b) if b is not None else t.encode(a)
                t.enable_truncation(max_length=most, strategy="longest_first")
                e = t.encode(a, b) if b is not None else t.encode(a)
                out.append({"first": i, "second": None if b is None else j - 1, "most": most, "ids": e.ids, "types": e.type_ids, "cut": len(whole.ids) - len(e.ids)})
    return {"tokenizer": name, "pairs": out}


def main():
    rng = np.random.default_rng(7)
    out = {"classes": [classes(rng, n, k, noise) for n, k, noise in ((1, 2, 1), (7, 2, 0.5), (40, 2, 0.3), (40, 2, 0.9), (60, 3, 0.4), (25, 3, 1), (30, 5, 0.2))],
           "numbers": [numbers(rng, n, noise, ties) for n, noise, ties in ((5, 1, False), (40, 0.5, False), (40, 2, True), (100, 8, True))],
           "texts": TEXTS, "tokenizers": [pairs(name) for name in ("wordpiece", "bpe_roberta", "bert_files", "unigram")]}
    ones = {"predicted": [0, 0, 0], "truth": [0, 0, 0]}
    ones.update(accuracy=1.0, f1=0.0, matthews=float(matthews_corrcoef([0, 0, 0], [0, 0, 0])))
    out["classes"].append(ones)
    (HERE / "glue.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


main()
