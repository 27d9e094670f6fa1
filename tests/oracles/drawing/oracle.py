"""The program on one side, transformers on the other."""

import json
import subprocess

import torch
from transformers import AutoModelForCausalLM

LENGTH = 96  # of a window, with the first token


class Refused(Exception):
    pass


class OracleRefused(Exception):
    """Transformers does not load it, or leaves weights at random."""


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def load_whole(folder):
    try:
        model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                           output_loading_info=True)
    except Exception as e:
        raise OracleRefused(f"{type(e).__name__}: {str(e).strip().splitlines()[0][:200] if str(e).strip() else ''}") from e
    lacking = [k for k in info["missing_keys"]] + [str(k) for k in info["mismatched_keys"]]
    if lacking:
        raise OracleRefused(f"lacks {lacking[0]}")
    return model.eval()


def oracle_loss(model, ids):
    total = count = 0
    with torch.no_grad():
        for i in range(0, len(ids), LENGTH - 1):
            window = [0] + ids[i : i + LENGTH - 1]
            scores = torch.log_softmax(model(torch.tensor([window])).logits[0].double(), -1)
            target = torch.tensor(window[1:])
            total -= scores[torch.arange(len(target)), target].sum().item()
            count += len(target)
    return total / count


def run_command(command, text=None):
    """Its standard output, given `text`; raises Refused with its last line, AssertionError where it died."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", input=text)
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr.strip().splitlines() or ["?"])[-1]
    if done.returncode < 0 or "internal" in said.lower():
        raise AssertionError(f"{command[0]} {command[1]} died ({done.returncode}): {said}")
    raise Refused(said)


class Program:
    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments):
        command = [self.path, "--threads", "1", "--quiet", *map(str, arguments)]
        return run_command(command)

    def loss(self, model, text, *more):
        out = json.loads(self("--json", "-", "eval", model, *more, "--tasks", "perplexity", "--data", text, "--seq-len", LENGTH))
        found = []

        def walk(value):
            if isinstance(value, dict):
                found.extend([value["nll_per_token"]] if "nll_per_token" in value else [])
                for v in value.values():
                    walk(v)

        walk(out)
        return found[0]

    def generated(self, model, prompt, count, *more):
        out = json.loads(self("--json", "-", "generate", model, *more, "--prompt", prompt, "--max-tokens", count, "--ignore-eos",
                              "--temperature", 0))
        return out["ids"]
