# requirements: torch==2.13.0 transformers==5.23.0 peft==0.21.2 safetensors==0.8.0
"""Does `lqlora finetune` learn what transformers and PEFT learn?

usage: check_finetune.py LQLORA MODEL DENSE ADAPTER TEXT [--steps N] [--rows N] [--seq-len N] [--lr X] [--tolerance T]
                         [--matmul-precision P]

MODEL is what lqlora trains on (packed, or dense); DENSE the same base as a directory of transformers in f32
(`lqlora export --format hf --keep-adapter --dtype f32`); ADAPTER where both start from; TEXT a plain text. Both see
the same windows of the text in the same order, and use AdamW, a cosine with warm-up, and clipping at 1. Prints the
largest relative difference of the losses over the steps and exits 1 where it is above T (default 1e-3).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, get_cosine_schedule_with_warmup


def lqlora_losses(a, out):
    command = [a.lqlora, "finetune", a.model, "--adapter", a.adapter, "--data", a.text, "-o", str(out)]
    command += ["--train-on", "all", "--batching", "plain", "--no-shuffle", "--max-steps", str(a.steps)]
    command += ["--batch-size", str(a.rows), "--seq-len", str(a.seq_len), "--lr", str(a.lr), "--warmup", "5"]
    command += ["--weight-decay", "0.01", "--grad-accum", str(a.accumulate)]
    command += ["--matmul-precision", a.matmul_precision]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines], [line["gradient_norm"] for line in lines]


def peft_losses(a):
    tokenizer = AutoTokenizer.from_pretrained(a.dense)
    ids = tokenizer(Path(a.text).read_text(), add_special_tokens=False)["input_ids"]
    windows = [ids[i : i + a.seq_len] for i in range(0, len(ids), a.seq_len)]
    assert len(windows) > a.steps * a.rows * a.accumulate, "the text is too short for so many steps"
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(a.dense, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, a.adapter, is_trainable=True)
    model.train()
    learn = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learn, lr=a.lr, weight_decay=0.01)
    schedule = get_cosine_schedule_with_warmup(optimizer, 5, a.steps)
    losses, norms = [], []
    for step in range(a.steps):
        total = 0.0
        for part in range(a.accumulate):
            first = (step * a.accumulate + part) * a.rows
            x = torch.tensor(windows[first : first + a.rows])
            loss = model(input_ids=x, labels=x).loss / a.accumulate
            loss.backward()
            total += loss.item()
        norms.append(torch.nn.utils.clip_grad_norm_(learn, 1.0).item())
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(total)
    return losses, norms


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("lqlora", "model", "dense", "adapter", "text"):
        p.add_argument(name)
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--rows", type=int, default=4)
    p.add_argument("--accumulate", type=int, default=1)
    p.add_argument("--seq-len", type=int, default=128)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--matmul-precision", default="int16", choices=["int16", "f32"])
    p.add_argument("--tolerance", type=float, default=1e-3)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, our_norms = lqlora_losses(a, Path(folder) / "out")
    theirs, their_norms = peft_losses(a)
    assert len(ours) == len(theirs) == a.steps
    differences = [abs(x - y) / y for x, y in zip(ours, theirs)]
    norms = max(abs(x - y) / y for x, y in zip(our_norms, their_norms))
    worst = max(range(a.steps), key=lambda i: differences[i])
    print(f"losses fall from {theirs[0]:.4f} to {theirs[-1]:.4f}; largest relative difference {differences[worst]:.2e} "
          f"at step {worst + 1} ({ours[worst]:.6f}, PEFT {theirs[worst]:.6f}); of gradient norms {norms:.2e}")
    sys.exit(0 if differences[worst] <= a.tolerance else 1)


if __name__ == "__main__":
    main()
