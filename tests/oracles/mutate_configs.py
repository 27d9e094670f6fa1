# requirements: torch==2.13.0 transformers==5.24.0 safetensors==0.8.0 tokenizers==0.23.3
"""Is every key of config.json computed as transformers computes it, or refused?

usage: mutate_configs.py LQLORA [--families NAME,...] [--keys KEY,...] [--seed N] [--pairs N] [--all]

Draws a small model of each family; then each key of its config is changed or taken away, one at a time, and keys of other
families are added (with --pairs N instead N times two or three changes at once, of keys that a family reads). The loss of a
text has to be transformers' (relative, 1e-4), or the program has to refuse the model by one line. Printed are: what differs;
what the program computes and transformers does not; what is refused though transformers computes it, and whether the key
changes the number at all (with --all also what both refuse, and what is equal). Exit 1 where something differs.
"""

import argparse
import collections
import json
import math
import os
import random
import resource
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
from drawing import families, files, mutations  # noqa: E402
from drawing.conversations import make_tokenizer, some_text  # noqa: E402
from drawing.oracle import LENGTH, OracleRefused, Program, Refused, load_whole, oracle_loss  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

transformers.utils.logging.disable_progress_bar()


class Mutations:
    def __init__(self, program, work):
        self.program, self.work = Program(program), work
        self.vocabulary = make_tokenizer(work / "tokenizer")
        self.text = work / "text.txt"
        self.counts = collections.Counter()

    def base(self, family, seed):
        """A drawn model that both compute."""
        while True:
            rng = random.Random(seed)
            torch.manual_seed(seed)
            folder = self.work / "model"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            drawn = families.draw(rng, self.vocabulary, [family])
            how = files.write_model(rng, torch.Generator().manual_seed(seed), folder, self.work / "tokenizer", drawn)
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            # A text of one window: transformers' dynamic rope keeps the longest length it has seen.
            self.ids = tokenizer.encode(some_text(rng, 60), add_special_tokens=False).ids[:90]
            self.text.write_text(tokenizer.decode(self.ids))
            same_text = tokenizer.encode(self.text.read_text(), add_special_tokens=False).ids == self.ids
            ours, theirs = self.ours(folder), self.theirs(folder)
            room = drawn.config.max_position_embeddings >= LENGTH and drawn.config.num_hidden_layers > 1
            if room and same_text and isinstance(ours, float) and isinstance(theirs, float):
                print(f"{family}: seed {seed}, {how}", flush=True)
                return folder
            seed += 1000

    def ours(self, folder):
        try:
            return float(self.program.loss(folder, self.text))
        except Refused as e:
            return str(e).replace(str(self.work), "")
        except AssertionError as e:
            return "DIED: " + str(e)

    def theirs(self, folder):
        try:
            value = oracle_loss(load_whole(folder), self.ids)
        except OracleRefused as e:
            return str(e)
        except Exception as e:
            return f"{type(e).__name__}: {e}"
        return value

    def judge(self, family, base, changes, ours, theirs, everything):
        def number(x):
            return isinstance(x, float)

        changed = [f"{key} = {'(taken away)' if value is ... else json.dumps(value)}" for key, value in changes]
        what = f"{family} {', '.join(changed)}"
        both = number(ours) and number(theirs)
        if both and (math.isclose(ours, theirs, rel_tol=1e-4) or (math.isnan(ours) and math.isnan(theirs))):
            kind = "equal"
        elif isinstance(ours, str) and ours.startswith("DIED"):
            kind = "DIED"
        elif both:
            kind = "DIFFERENT"
        elif number(ours):
            kind = "ours only, the model's own number" if math.isclose(ours, base, rel_tol=1e-6) else "ours only"
        elif number(theirs):
            kind = "refused needlessly" if math.isclose(theirs, base, rel_tol=1e-6) else "refused"
        else:
            kind = "both refuse"
        self.counts[kind] += 1
        if everything or kind not in ("equal", "both refuse"):
            print(f"{kind}: {what}\n    ours {ours}\n    theirs {theirs}, of the model as drawn {base}", flush=True)

    def family(self, family, seed, keys, pairs, everything):
        folder = self.base(family, seed)
        base = self.theirs(folder)
        path = folder / "config.json"
        whole = json.loads(path.read_text())
        inner = whole.get("text_config", whole)
        cases = [case for case in mutations.of(inner) if not keys or case[0] in keys]
        tries = [[case] for case in cases]
        if pairs:
            rng = random.Random(seed)
            known = mutations.read_by_classes()
            cases = [case for case in cases if case[0] in inner or case[0] in known]
            tries = [rng.sample(cases, rng.choice([2, 2, 3])) for _ in range(pairs)]
        for changes in tries:
            changed = dict(inner)
            for key, value in changes:
                if value is ...:
                    changed.pop(key, None)
                    continue
                changed[key] = value
                if key in ("rope_parameters", "rope_scaling"):  # the other one out of its way
                    changed.pop("rope_scaling" if key == "rope_parameters" else "rope_parameters", None)
            path.write_text(json.dumps({**whole, "text_config": changed} if "text_config" in whole else changed))
            self.judge(family, base, changes, self.ours(folder), self.theirs(folder), everything)
        shutil.rmtree(folder)

    def report(self):
        print("; ".join(f"{kind}: {n}" for kind, n in sorted(self.counts.items())))
        return self.counts["DIFFERENT"] + self.counts["DIED"] > 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("lqlora")
    p.add_argument("--families", default=",".join(families.FAMILIES))
    p.add_argument("--keys", default="")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--pairs", type=int, default=0)
    p.add_argument("--all", action="store_true")
    a = p.parse_args()
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # a config may ask for a model that is too large
    with tempfile.TemporaryDirectory() as work:
        run = Mutations(a.lqlora, Path(work))
        for family in a.families.split(","):
            run.family(family, a.seed, set(a.keys.split(",")) - {""}, a.pairs, a.all)
        sys.exit(run.report())


if __name__ == "__main__":
    main()
