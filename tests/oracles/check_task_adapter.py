#!/usr/bin/env python3
# requirements: torch==2.13.0 transformers==5.24.0 peft==0.21.2
"""Compares what `lqlora finetune --task TASK` predicts for validation examples with what transformers and PEFT make of its output.

    python3 tests/oracles/check_task_adapter.py OUT VALIDATION.tsv --columns sentence [--columns sentence1 sentence2] --base MODEL --labels 2

OUT is the output (an adapter, or with --full a model, then without --base). VALIDATION.tsv has a header with the named columns.
Prints how many of the predictions in OUT/predictions/validation-*.tsv agree, and exits with 1 where one does not.
"""
import argparse
import sys
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("file")
    p.add_argument("--columns", nargs="+", required=True)
    p.add_argument("--base")
    p.add_argument("--labels", type=int, default=2)
    p.add_argument("--names", nargs="*", help="the task's names of its classes, by their numbers (default: the numbers)")
    p.add_argument("--limit", type=int, default=200)
    a = p.parse_args()
    torch.set_num_threads(1)
    if a.base:
        from peft import PeftModel

        base = AutoModelForSequenceClassification.from_pretrained(a.base, num_labels=a.labels)
        model = PeftModel.from_pretrained(base, a.out).eval()
    else:
        model = AutoModelForSequenceClassification.from_pretrained(a.out).eval()
    tokenizer = AutoTokenizer.from_pretrained(a.base or a.out)
    rows = [line.split("\t") for line in Path(a.file).read_text(encoding="utf-8-sig").splitlines()]
    columns = [rows[0].index(name) for name in a.columns]
    predictions = next((Path(a.out) / "predictions").glob("validation-*.tsv")).read_text().splitlines()[1:]
    same = total = 0
    for row, line in list(zip(rows[1:], predictions))[: a.limit]:
        e = tokenizer(*[row[c] for c in columns], return_tensors="pt", truncation=True, max_length=128)
        with torch.no_grad():
            logits = model(**e).logits[0]
        ours = line.split("\t")[1]
        if a.labels == 1:
            same += abs(float(ours) - min(max(logits.item(), 0.0), 5.0)) < 2e-3
        else:
            names = a.names or [str(i) for i in range(a.labels)]
            same += ours == names[logits.argmax().item()]
        total += 1
    print(f"{same} of {total} predictions agree")
    sys.exit(0 if same == total else 1)


main()
