# requirements: torch==2.13.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 tokenizers==0.23.3
"""Does lqlora compute what transformers and PEFT compute of encoders, whatever model, adapter and texts they are given?

usage: differential_encoders.py BUILD [--seconds N] [--tries N] [--seed S] [--keep FOLDER]

BUILD holds lqlora and encoder_outputs (its source is beside this file). Each try draws a small encoder (BERT, RoBERTa, XLM-R,
DistilBERT: bare, with a head for masked tokens, with classes or a number; sizes, activations, token types, padding ids, tied or
not, types of numbers, names as old and bare checkpoints have them), a tokenizer's files, single texts and pairs (cut, empty, with
special tokens in them) and an adapter, and compares ids and outputs (1e-4 of the largest) with transformers and PEFT. Every few
tries it trains two steps of a task of GLUE from there and compares the losses and what PEFT or transformers make of the output,
or quantizes, exports with the adapter merged, and compares what transformers makes of that. It prints every difference with its
seed (`--seed S --tries 1` does it again), what was refused and how often, and how many it tried; exit 1 where something differs.
"""

import argparse
import collections
import copy
import json
import os
import random
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
warnings.filterwarnings("ignore")

import torch  # noqa: E402
import transformers as hf  # noqa: E402
from drawing.encoders import Draw, draw_adapter, draw_request, make_tokenizers, randomize  # noqa: E402
from drawing.oracle import Refused, run_command  # noqa: E402
from drawing.tasks import Task  # noqa: E402
from drawing.tries import run_tries  # noqa: E402
from peft import PeftModel, get_peft_model  # noqa: E402

hf.utils.logging.disable_progress_bar()


class Differential:
    def __init__(self, build, work):
        self.program = build / "lqlora"
        self.helper = next(build.rglob("encoder_outputs"))
        self.work = work
        (work / "tokenizers").mkdir()
        self.tokenizers = make_tokenizers(work / "tokenizers")
        self.counts = collections.Counter()
        self.refusals = collections.Counter()

    @staticmethod
    def run_program(command, text=None):
        return run_command([str(c) for c in command], text)

    def lqlora(self, *arguments):
        return self.run_program([self.program, "--threads", "1", "--quiet", *arguments])

    def compare(self, what, draw, model, folder, adapter, requests, labels=()):
        """Ids and outputs of requests by the helper on the folder, and by transformers' model."""
        lines = self.run_program([self.helper, folder, adapter or "-", *labels], "".join(json.dumps(r) + "\n" for r in requests))
        for request, line in zip(requests, lines.splitlines(), strict=True):
            ours = json.loads(line)
            try:
                ids, want = draw.outputs(model, request)
            except (IndexError, ValueError, RuntimeError) as e:
                if "error" in ours:
                    continue
                raise AssertionError(f"{what}: {request}: transformers refuses ({str(e)[:100]})") from e
            self.counts[what] += 1
            if "error" in ours:
                self.refusals["request: " + ours["error"][:150]] += 1
                continue
            if ours["ids"] != ids:
                raise AssertionError(f"{what}: ids of {request}: {ours['ids']}, oracle {ids}")
            got = torch.tensor(ours["outputs"], dtype=torch.float64)
            off = ((got - want).abs().max() / want.abs().max()).item() if got.shape == want.shape else float("inf")
            if not off < 1e-4:
                # Steep adapters magnify roundings: ours may be as far off as torch's own, in double.
                exact = draw.outputs(copy.deepcopy(model).double(), request)[1]
                own = ((want - exact).abs().max() / exact.abs().max()).item()
                off = ((got - exact).abs().max() / exact.abs().max()).item() if got.shape == exact.shape else off
                if off < 5 * own:
                    continue
                raise AssertionError(f"{what}: outputs of {request} are off by {off:.1e}")

    def theirs_trained(self, draw, model, task, steps, batch, lr, most, order):
        learn = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(learn, lr=lr, weight_decay=0.0)
        losses = []
        for step in range(steps):
            total = 0.0
            for first, second, label in task.sets["train"][step * batch : (step + 1) * batch]:
                e = draw.inputs({"first": first, "second": second, "most": most})
                target = torch.tensor([label]) if task.names is None else torch.tensor([order[int(label)]])
                logits = model(**e).logits
                loss = (torch.nn.functional.mse_loss(logits[:, 0], target) if task.names is None
                        else torch.nn.functional.cross_entropy(logits, target)) / batch
                loss.backward()
                total += loss.item()
            torch.nn.utils.clip_grad_norm_(learn, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(total)
        return losses

    def tuned(self, rng, draw, start):
        """Two steps of a task from where the try is, and what transformers or PEFT makes of the output."""
        glue, out = self.work / "glue", self.work / "tuned"
        outputs = draw.config.num_labels if draw.head == "classes" else rng.choice([1, 2, 3])
        task = Task(rng, glue, outputs, rng.choice([9, 60]))
        most, lr = rng.choice([12, draw.longest]), 0.01
        full = start is None and rng.random() < 0.5
        more = ["--full"] if full else ["--adapter", start] if start else ["--rank", 3, "--target", "v_lin" if draw.kind == "distilbert" else "value"]
        if draw.head != "classes":
            more = ["--full"] if full else ["--rank", 3, *(["--train", "pooler"] if draw.kind == "bert" else [])]
        self.lqlora("finetune", draw.folder, *more, "--task", task.name, "--data", glue, "--seq-len", most, "--batch-size", 4, "--max-steps", 2,
                    "--schedule", "constant", "--warmup", 0, "--lr", lr, "--no-shuffle", "--matmul-precision", "f32", "-o", out)
        kind = f"trained {'full' if full else 'from an adapter' if start and draw.head == 'classes' else 'anew'}"
        auto = hf.AutoModelForSequenceClassification
        config = copy.deepcopy(draw.config)
        order = task.outputs_of(config) if draw.head == "classes" else list(range(outputs))
        if draw.head == "classes" and (full or start):
            model = draw.load() if full else PeftModel.from_pretrained(draw.load(), start, is_trainable=True).eval()
            theirs = self.theirs_trained(draw, model, task, 2, 4, lr, most, order)
            log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
            ours = [line["loss"] for line in log if "loss" in line]
            self.counts["losses, " + kind] += 1
            if len(ours) != 2 or any(abs(a - b) > 1e-4 * abs(b) for a, b in zip(ours, theirs)):
                raise AssertionError(f"losses, {kind}, {task.name}: {ours}, oracle {theirs}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load = dict(dtype=torch.float32, attn_implementation="eager")
            if full:
                model = auto.from_pretrained(out, **load).eval()
                order = task.outputs_of(model.config)
            else:
                base = draw.load() if draw.head == "classes" else auto.from_pretrained(draw.folder, num_labels=outputs, **load)
                try:
                    model = PeftModel.from_pretrained(base, out).eval()
                except (AttributeError, KeyError) as e:
                    raise AssertionError(f"PEFT cannot read what was {kind}: {e!r}") from e
        for split, prefix in (("dev", "validation-"), ("test", "")):
            rows = (out / "predictions" / f"{prefix}{task.title}.tsv").read_text().splitlines()
            for i, ((first, second, _), row) in enumerate(zip(task.sets[split], rows[1:], strict=True)):
                with torch.no_grad():
                    logits = model(**draw.inputs({"first": first, "second": second, "most": most})).logits[0]
                self.counts["predictions, " + kind] += 1
                index, said = row.split("\t")
                if task.names is None:
                    right = abs(float(said) - min(max(logits.item(), 0.0), 5.0)) < 1e-3
                    want = logits.item()
                else:
                    by_label = logits[order]
                    want = task.names[by_label.argmax().item()]
                    top = by_label.sort().values
                    right = said == want or (top[-1] - top[-2]) < 1e-4
                if not right or index != str(i):
                    raise AssertionError(f"predictions, {kind}, {task.name} {split} row {i}: {row!r}, oracle {want} of {logits.tolist()}")

    def exported(self, rng, draw, adapter, requests):
        packed, out = self.work / "packed", self.work / "exported"
        self.lqlora("quantize", draw.folder, "--nf", 4, "--rank", 2, "-o", packed)
        start = ["--adapter", adapter] if adapter else []
        merge = rng.random() < 0.6
        self.lqlora("export", packed, *start, "--format", "hf", "--dtype", "f32", *([] if merge else ["--keep-adapter"]), "-o", out)
        theirs = draw.load(out)
        if not merge:
            try:
                theirs = PeftModel.from_pretrained(theirs, out / "adapter").eval()
            except (AttributeError, KeyError) as e:
                raise AssertionError(f"PEFT cannot read the adapter that was kept: {e}") from e
        self.compare("exported, merged" if merge else "exported, adapter kept", draw, theirs, packed, adapter, requests)

    def one(self, seed):
        rng = random.Random(seed)
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        for name in ("model", "adapter", "tuned", "packed", "exported", "glue"):
            shutil.rmtree(self.work / name, ignore_errors=True)
        folder, adapter = self.work / "model", self.work / "adapter"
        folder.mkdir()
        draw = Draw(rng, generator, folder, self.tokenizers, self.counts)
        requests = [draw_request(rng, draw) for _ in range(6)]
        self.compare("model", draw, draw.load(), folder, None, requests)
        start = None
        if rng.random() < 0.8:
            try:
                peft = get_peft_model(draw.load(), draw_adapter(rng, draw))
            except (TypeError, ValueError) as e:
                raise Refused(f"[PEFT] {e}") from e
            randomize([(n, p) for n, p in peft.named_parameters() if p.requires_grad], generator, 0.2)
            peft.save_pretrained(adapter)
            self.compare("adapter", draw, PeftModel.from_pretrained(draw.load(), adapter).eval(), folder, adapter, requests)
            start = adapter
        if seed % 3 == 0:
            self.tuned(rng, draw, start)
        if seed % 4 == 1:
            self.exported(rng, draw, start, requests)

    def run(self, seed, seconds, tries, keep):
        return run_tries(self.one, self.work, self.counts, self.refusals, seed, seconds, tries, keep)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=Path)
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--tries", type=int, default=0)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--keep", type=Path)
    a = p.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        sys.exit(Differential(a.build, Path(work)).run(a.seed, a.seconds, a.tries, a.keep) > 0)


if __name__ == "__main__":
    main()
