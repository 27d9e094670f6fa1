# requirements: torch==2.13.0 transformers==5.24.0
"""Makes generation.json: what transformers' generate() makes of keys of generation_config.json.

usage: make_generation_goldens.py

rules: logits after the processors that forbid and force tokens; null is -infinity. cutoffs: probabilities that a token is drawn
with, after the processors of sampling. texts: greedy continuations of examples/models/quill.
"""

import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

HERE = Path(__file__).parent
QUILL = HERE.parent.parent / "examples" / "models" / "quill"
ENDS = [2, 5]
# key and value, and texts: tokens so far, tokens of the prompt among them, tokens at most.
TEXTS = [([1], 1, 6), ([3, 4, 3], 2, 4), ([3, 4, 3, 4, 6, 3, 4], 3, 9), ([7, 7, 7, 7], 4, 5), ([9, 2, 9], 1, 20), ([1, 11], 1, 3)]
RULES = [
    dict(no_repeat_ngram_size=1), dict(no_repeat_ngram_size=2), dict(no_repeat_ngram_size=3), dict(no_repeat_ngram_size=8),
    dict(bad_words_ids=[[3], [2], [4, 6], [3, 4, 3], [7, 7, 8]]), dict(min_length=4), dict(min_new_tokens=2),
    dict(min_length=30, min_new_tokens=1), dict(min_length=30, min_new_tokens=0), dict(forced_bos_token_id=6), dict(forced_eos_token_id=5), dict(forced_eos_token_id=[2, 5]),
    dict(suppress_tokens=[0, 8, 3]), dict(begin_suppress_tokens=[8, 3]), dict(begin_suppress_tokens=[8], forced_bos_token_id=6),
    dict(no_repeat_ngram_size=2, min_new_tokens=3, forced_eos_token_id=5, suppress_tokens=[2]), dict(repetition_penalty=1.7, bad_words_ids=[[3]], min_length=3),
]
CUTOFFS = [
    dict(), dict(top_k=3), dict(typical_p=0.3), dict(typical_p=0.6), dict(typical_p=0.9, temperature=0.5), dict(typical_p=0.5, top_k=5), dict(epsilon_cutoff=0.08),
    dict(epsilon_cutoff=0.9), dict(eta_cutoff=0.05), dict(eta_cutoff=0.3, temperature=2.0), dict(top_k=6, top_p=0.9, min_p=0.1),
    dict(top_k=8, typical_p=0.8, epsilon_cutoff=0.05, eta_cutoff=0.1), dict(top_p=0.8, typical_p=0.7), dict(suppress_tokens=[4, 7], top_k=3),
    dict(renormalize_logits=True, top_p=0.7),
]
KEYS = [
    {}, dict(no_repeat_ngram_size=2), dict(no_repeat_ngram_size=3, repetition_penalty=1.1), dict(min_new_tokens=6), dict(suppress_tokens="first"), dict(begin_suppress_tokens="first"),
    dict(bad_words_ids="run"), dict(forced_eos_token_id=5), dict(min_length=20, eos_token_id="second"), dict(eos_token_id="second"),
]


def processors(model, keys, prompt, most, samples):
    config = GenerationConfig(eos_token_id=ENDS, max_length=most, do_sample=samples, **({"top_k": 0} if samples else {}) | keys)
    if config.min_new_tokens is not None:
        config.min_length = config.min_new_tokens + prompt
    config._eos_token_tensor = torch.tensor(ENDS)
    return model._get_logits_processor(config, prompt, torch.zeros(1, prompt, dtype=torch.long))


def numbers(row):
    return [None if x == float("-inf") else x for x in row.tolist()]


def main():
    torch.set_num_threads(1)
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(QUILL, dtype=torch.float32).eval()
    logits = (torch.randn(12) * 2).mul(8).round().div(8)  # numbers that decimals hold
    out = {"ends": ENDS, "logits": logits.tolist(), "rules": [], "cutoffs": [], "texts": []}
    for keys in RULES:
        for ids, prompt, most in TEXTS:
            scores = processors(model, keys, prompt, most, False)(torch.tensor([ids]), logits[None].clone())
            out["rules"].append({"keys": keys, "ids": ids, "prompt": prompt, "most": most, "scores": numbers(scores[0])})
    flat = [logits, logits / 4, torch.tensor([2.0, 1, 2, 0, 1, 1, 2, 0, -1, -1, 0, 1])]
    for keys in CUTOFFS:
        for row in flat[: 2 if "top_p" in keys else 3]:  # which of a tied pair top_p keeps is the sort's own affair
            scores = processors(model, keys, 1, 20, True)(torch.tensor([[1, 3]]), row[None].clone())
            out["cutoffs"].append({"keys": keys, "logits": row.tolist(), "probabilities": scores[0].softmax(-1).tolist()})
    ids = torch.tensor([[1, 40, 77, 12]])
    plain = model.generate(ids, generation_config=GenerationConfig(max_new_tokens=16))[0].tolist()[4:]
    for keys in KEYS:
        keys = dict(keys)
        for key, value in keys.items():
            known = {"first": [plain[0]], "run": [plain[1:3]], "second": plain[3]}
            keys[key] = known.get(value, value) if isinstance(value, str) else value
        config = GenerationConfig(max_new_tokens=16, **{"eos_token_id": 2} | keys)
        out["texts"].append({"keys": {"eos_token_id": 2} | keys, "ids": model.generate(ids, generation_config=config)[0].tolist()[4:]})
    lines = [f'"{k}": ' + ("[\n" + ",\n".join(json.dumps(x) for x in v) + "\n]" if v and isinstance(v[0], dict) else json.dumps(v)) for k, v in out.items()]
    (HERE / "generation.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


main()
