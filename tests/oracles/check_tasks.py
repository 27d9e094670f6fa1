#!/usr/bin/env python3
"""Log-likelihoods of `lqlora eval --log-samples` against transformers, document by document.

usage: check_tasks.py MODEL SAMPLES.jsonl        (needs torch and transformers; run by hand)

Each choice is scored by itself, with the tokenization rule of lm-evaluation-harness: spaces at the context's end go
to the answer, context and answer are tokenized as one text, what exceeds the context's own tokens is scored. Prints
the largest difference, and exits with 1 if it exceeds 1e-3.
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def encode(tokenizer, context, continuation):
    words = context.rstrip()
    continuation = context[len(words):] + continuation
    whole = tokenizer.encode(words + continuation)
    before = tokenizer.encode(words)
    return before, whole[len(before):]


def main():
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
    longest = model.config.max_position_embeddings
    worst, documents = 0.0, 0
    for line in open(sys.argv[2]):
        sample = json.loads(line)
        if "log_likelihoods" not in sample or sample["task"] == "winogrande":
            continue
        documents += 1
        for choice, ours in zip(sample["choices"], sample["log_likelihoods"]):
            context, answer = encode(tokenizer, sample["context"], " " + choice)
            ids = (context + answer)[-(longest + 1):]
            with torch.no_grad():
                logits = model(torch.tensor([ids[:-1]])).logits[0].double()
            scores = torch.log_softmax(logits[-len(answer):], dim=-1)
            theirs = scores[torch.arange(len(answer)), torch.tensor(answer)].sum().item()
            worst = max(worst, abs(theirs - ours))
    print(f"{documents} documents, largest difference {worst:.2e}")
    return 0 if worst <= 1e-3 and documents > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
