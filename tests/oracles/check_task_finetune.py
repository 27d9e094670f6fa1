#!/usr/bin/env python3
# requirements: torch==2.13.0 transformers==5.24.0 peft==0.21.2
"""Compares the losses of `lqlora finetune --task stsb` step by step with those of transformers and PEFT.

    python3 tests/oracles/check_task_finetune.py PROGRAM MODEL GLUE WORK [--steps 50] [--lr 1e-3]

MODEL: an encoder of BERT's form. GLUE: the benchmark's folder. Both sides start from one adapter, made by PEFT in WORK, and see
the examples of STS-B in the file's order. Prints the largest relative difference, and exits with 1 where it is above 1e-4.
"""
import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup

BATCH, WARMUP = 32, 0.06


def dense(model):
    return AutoModelForSequenceClassification.from_pretrained(model, num_labels=1, problem_type="regression")


def their_losses(a, start):
    tokenizer = AutoTokenizer.from_pretrained(a.model)
    rows = [line.split("\t") for line in (Path(a.glue) / "STS-B/train.tsv").read_text().splitlines()]
    first, second, score = (rows[0].index(name) for name in ("sentence1", "sentence2", "score"))
    examples = [r for r in rows[1:] if len(r) > score]
    model = PeftModel.from_pretrained(dense(a.model), start, is_trainable=True).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    learn = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learn, lr=a.lr, weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, math.ceil(WARMUP * a.steps), a.steps)
    losses = []
    for step in range(a.steps):
        batch = examples[step * BATCH : (step + 1) * BATCH]
        inputs = tokenizer([r[first] for r in batch], [r[second] for r in batch], padding=True, truncation=True,
                           max_length=128, return_tensors="pt")
        loss = model(**inputs, labels=torch.tensor([float(r[score]) for r in batch])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learn, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def our_losses(a, start):
    out = Path(a.work) / "ours"
    subprocess.run([a.program, "--quiet", "finetune", a.model, "--adapter", start, "--task", "stsb", "--data", a.glue,
                    "--seq-len", "128", "--batch-size", str(BATCH), "--max-steps", str(a.steps), "--schedule", "linear",
                    "--warmup", str(WARMUP), "--lr", str(a.lr), "--weight-decay", "0", "--clip", "1", "--no-shuffle",
                    "--matmul-precision", "f32", "--overwrite", "-o", out], check=True, stdout=subprocess.DEVNULL)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in log if "loss" in line]


def main():
    p = argparse.ArgumentParser()
    for name in ("program", "model", "glue", "work"):
        p.add_argument(name)
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--lr", type=float, default=1e-3)
    a = p.parse_args()
    torch.manual_seed(0)
    start = str(Path(a.work) / "start")
    config = LoraConfig(r=16, lora_alpha=16, target_modules=r".*encoder.*\.(query|key|value|dense)",
                        modules_to_save=["classifier"], task_type="SEQ_CLS")
    get_peft_model(dense(a.model), config).save_pretrained(start)
    theirs, ours = their_losses(a, start), our_losses(a, start)
    worst = max(abs(x - y) / y for x, y in zip(ours, theirs, strict=True))
    print(f"{len(ours)} losses, from {theirs[0]:.4f} to {theirs[-1]:.4f}: largest relative difference {worst:.1e}")
    sys.exit(0 if worst <= 1e-4 else 1)


main()
