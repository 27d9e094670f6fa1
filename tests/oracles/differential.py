# requirements: torch==2.13.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 tokenizers==0.23.3 jinja2==3.1.6
"""Does lqlora compute what transformers and PEFT compute, whatever model, adapter and conversation they are given?

usage: differential.py LQLORA [--seconds N] [--tries N] [--seed S] [--keep FOLDER] [--families NAME,...]

Each try draws a small model of a random family (all decoders of docs/models.md: widths, heads, biases, tied or not, windows,
kinds of rope, experts, types, names and shards of its files, config.json as transformers 5 or 4 wrote it), a random adapter
(targets with head and embedding, ranks, patterns, rslora, DoRA, biases, whole modules) and random conversations through a
random chat template, and compares: the loss of a text (relative, 1e-4) with transformers and PEFT on the same files; tokens and
loss mask of the conversations with apply_chat_template; in some tries the ids that both generate greedily, past the window.
Every few tries it also fine-tunes for two steps from there and compares what PEFT makes of the adapter that was written (or
transformers of the whole model), or quantizes, exports with the adapter merged (of models with experts one that learned
there), and compares what transformers makes of that. It prints every difference with its seed (`--seed S --tries 1` does it
again), what was refused and how often, and how many it tried; exit 1 where something differs.
"""

import argparse
import collections
import json
import math
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
import transformers  # noqa: E402
from drawing import families, files  # noqa: E402
from drawing.adapters import as_state_dict, draw_adapter  # noqa: E402
from drawing.conversations import draw_conversation, draw_template, make_tokenizer, some_text  # noqa: E402
from drawing.oracle import LENGTH, Program, Refused, load, load_whole, oracle_loss  # noqa: E402
from drawing.tries import run_tries  # noqa: E402
from peft import PeftModel, get_peft_model  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

transformers.utils.logging.disable_progress_bar()


class Differential:
    def __init__(self, program, work, names):
        self.program = Program(program)
        self.work = work
        self.names = names
        self.tokenizer = work / "tokenizer"
        self.vocabulary = make_tokenizer(self.tokenizer)
        self.counts = collections.Counter()
        self.refusals = collections.Counter()

    def same(self, what, ours, theirs):
        self.counts[what] += 1
        if not math.isclose(ours, theirs, rel_tol=1e-4):
            raise AssertionError(f"{what}: lqlora {ours!r}, oracle {theirs!r}")

    def conversations(self, rng, model):
        template = draw_template(rng)
        talks = [draw_conversation(rng) for _ in range(3)]
        data = model / "talks.jsonl"
        data.write_text("".join(json.dumps({"messages": m}) + "\n" for m in talks))
        (model / "chat_template.jinja").write_text(template)
        out = json.loads(self.program("--json", "-", "data", "preview", model, "--data", data, "--seq-len", 4096, "--count", 3))
        # As tokenizer.json says, where AutoTokenizer would put the model type's own pre-tokenizer in its place (qwen2).
        tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
        for talk, shown in zip(talks, out["shown"], strict=True):
            want = tokenizer.apply_chat_template(talk, return_assistant_tokens_mask=True, return_dict=True, tokenize=True)
            self.counts["conversation"] += 1
            if list(want["input_ids"]) != shown["ids"]:
                raise AssertionError(f"tokens of {talk} by {template!r}: {shown['ids']}, oracle {want['input_ids']}")
            mask = [int(x) for x in shown["in_loss"]]
            if mask != [int(x) for x in want["assistant_masks"]]:
                raise AssertionError(f"mask of {talk} by {template!r}: {mask}, oracle {want['assistant_masks']}")

    def generation(self, rng, model, tokenizer, ids):
        """Greedy, with the cache; up to where two tokens are as likely to the oracle as rounding can tell."""
        prompt = tokenizer.decode(ids[: rng.randrange(2, 12)])
        start = [0] + tokenizer.encode(prompt, add_special_tokens=False).ids
        count = rng.choice([12, 40])
        ours = self.program.generated(model, prompt, count)
        theirs = load(model)
        theirs.generation_config.eos_token_id = None
        with torch.no_grad():
            out = theirs.generate(torch.tensor([start]), max_new_tokens=count, do_sample=False, output_scores=True, use_cache=True,
                                  return_dict_in_generate=True, pad_token_id=0, attention_mask=torch.ones(1, len(start)).long())
        self.counts["generated"] += 1
        for i, (got, want) in enumerate(zip(ours, out.sequences[0, len(start):].tolist(), strict=False)):
            if got != want:
                scores = out.scores[i][0]
                if (scores[want] - scores[got]).item() > 1e-3 * scores.abs().max().item():
                    raise AssertionError(f"generated, token {i} after {start}: {ours}, oracle {out.sequences[0].tolist()}")
                return

    def tuned(self, rng, model, start, text, ids, drawn):
        """Fine-tuned from where the try is; PEFT has to see the same."""
        out = self.work / "tuned"
        train = [w for w in ("norms", "embeddings", "head") if rng.random() < 0.3]
        # PEFT has no modules for experts; those learn in exported().
        targets = [x for name in drawn.linears for x in ("--target", name)] if drawn.experts and not start else []
        self.finetune(rng, model, out, *start, *targets, *(["--rank", 3] if not start else []),
                      *(["--train", ",".join(train)] if train else []))
        theirs = oracle_loss(PeftModel.from_pretrained(load(model), out).eval(), ids)
        self.same(f"fine-tuned {'from an adapter' if start else 'anew'}", self.program.loss(model, text, "--adapter", out), theirs)

    def finetune(self, rng, model, out, *more):
        data = self.work / "tune.txt"
        data.write_text(some_text(rng, 60))
        self.program("finetune", model, "--data", data, "--seq-len", 48, "--max-steps", 2, "--lr", 0.01, *more, "-o", out)

    def whole(self, rng, model, text, ids):
        """All parameters have learned; transformers has to see the same model."""
        out = self.work / "tuned"
        shutil.rmtree(out, ignore_errors=True)
        self.finetune(rng, model, out, "--full")
        self.same("fine-tuned whole", self.program.loss(out, text), oracle_loss(load_whole(out), ids))

    def exported(self, rng, model, adapter, text, ids, drawn):
        """Quantized, and the adapter merged into what is left; transformers has to see the same."""
        packed, out = self.work / "packed", self.work / "exported"
        shutil.rmtree(out, ignore_errors=True)
        how = rng.choice([["--bits", 4, "--rank", 2], ["--method", "qlora", "--nf", 8]])
        self.program("quantize", model, *how, "-o", packed)
        if drawn.experts and not adapter:
            adapter = self.work / "adapter"
            shutil.rmtree(adapter, ignore_errors=True)
            self.finetune(rng, packed, adapter)
        start = ["--adapter", adapter] if adapter else []
        # Where there is nothing to keep, or PEFT has no modules for it, it is merged.
        merge = rng.random() < 0.6 or drawn.experts or not (adapter or (packed / "adapter").exists())
        ours = self.program.loss(packed, text, *start)
        self.program("export", packed, *start, "--format", "hf", "--dtype", "f32", *([] if merge else ["--keep-adapter"]), "-o", out)
        theirs = load_whole(out) if merge else PeftModel.from_pretrained(load_whole(out), out / "adapter").eval()
        self.same("exported, merged" if merge else "exported, adapter kept", ours, oracle_loss(theirs, ids))

    def one(self, seed):
        rng = random.Random(seed)
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        for name in ("model", "adapter", "tuned", "packed", "exported"):
            shutil.rmtree(self.work / name, ignore_errors=True)
        model, adapter = self.work / "model", self.work / "adapter"
        model.mkdir()
        drawn = families.draw(rng, self.vocabulary, self.names)
        self.told = f"{drawn.family}, {files.write_model(rng, generator, model, self.tokenizer, drawn)}"
        tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        body = some_text(rng, 60)
        ids = tokenizer.encode(body, add_special_tokens=False).ids
        # A text of whole windows: transformers' dynamic rope keeps the longest length it has seen.
        if drawn.by_length:
            ids = ids[: LENGTH - 1]
            body = tokenizer.decode(ids)
            if tokenizer.encode(body, add_special_tokens=False).ids != ids:
                return
        text = self.work / "text.txt"
        text.write_text(body)
        self.counts[drawn.family] += 1
        theirs = oracle_loss(load_whole(model), ids)
        self.same("model", self.program.loss(model, text), theirs)
        if rng.random() < 0.3:
            self.generation(rng, model, tokenizer, ids)
        self.conversations(rng, model)
        start = []
        if rng.random() < 0.8:
            config = draw_adapter(rng, drawn)
            try:
                peft = get_peft_model(load(model), config)
            except (TypeError, ValueError) as e:  # a draw that PEFT itself has no adapter for
                raise Refused(f"[PEFT] {e}") from e
            files.randomize([(n, p) for n, p in peft.named_parameters() if p.requires_grad], generator, 0.2)
            peft.save_pretrained(adapter)
            theirs = oracle_loss(PeftModel.from_pretrained(load(model), adapter).eval(), ids)
            if rng.random() < 0.2:
                as_state_dict(adapter)
            start = ["--adapter", adapter]
            self.same("adapter", self.program.loss(model, text, *start), theirs)
        if seed % 3 == 0:
            self.tuned(rng, model, start, text, ids, drawn)
        if seed % 5 == 2:
            self.whole(rng, model, text, ids)
        if seed % 4 == 1 and drawn.config.hidden_size >= 16:
            self.exported(rng, model, adapter if start and not self.names_base(adapter) else None, text, ids, drawn)

    @staticmethod
    def names_base(adapter):
        """It holds a base layer, which after quantizing is another."""
        return any("base_layer.weight" in name for name in load_file(adapter / "adapter_model.safetensors"))

    def run(self, seed, seconds, tries, keep):
        return run_tries(self.one, self.work, self.counts, self.refusals, seed, seconds, tries, keep, lambda: f" ({self.told})")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("lqlora")
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--tries", type=int, default=0)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--keep", type=Path)
    p.add_argument("--families", default=",".join(families.FAMILIES))
    a = p.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        sys.exit(Differential(a.lqlora, Path(work), a.families.split(",")).run(a.seed, a.seconds, a.tries, a.keep) > 0)


if __name__ == "__main__":
    main()
