# requirements: transformers==5.23.0
"""Do the tokens and loss masks of `lqlora data preview` equal those made with Hugging Face's tokenizer?

usage: check_masks.py LQLORA MODEL ALPACA_JSON [--count N]

ALPACA_JSON is a list of {instruction, input, output}. The reference is what users of PEFT and TRL write by hand: the
Alpaca prompt, the answer and EOS tokenized as one text; a token counts where its characters reach into the answer.
"""

import argparse
import json
import subprocess
from pathlib import Path

from transformers import AutoTokenizer

HEAD = "Below is an instruction that describes a task"
WITH_INPUT = HEAD + (", paired with an input that provides further context. Write a response that appropriately "
                     "completes the request.\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n")
WITHOUT = HEAD + (". Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n"
                  "### Response:\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("lqlora", "model", "data"):
        p.add_argument(name)
    p.add_argument("--count", type=int, default=999)
    a = p.parse_args()
    command = [a.lqlora, "--quiet", "--json", "-", "data", "preview", a.model, "--data", a.data, "--count", str(a.count)]
    command += ["--seq-len", "4096", "--chat-template", "alpaca"]
    shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["shown"]
    tokenizer = AutoTokenizer.from_pretrained(a.model)
    records = json.loads(Path(a.data).read_text())[: a.count]
    assert len(shown) == len(records), (len(shown), len(records))
    different_ids = different_masks = 0
    for ours, r in zip(shown, records):
        prompt = (WITH_INPUT if r.get("input") else WITHOUT).format(**r)
        text = prompt + r["output"] + tokenizer.eos_token
        theirs = tokenizer(text, return_offsets_mapping=True)
        mask = [int(end > len(prompt)) for _, end in theirs["offset_mapping"]]
        different_ids += theirs["input_ids"] != ours["ids"]
        different_masks += theirs["input_ids"] == ours["ids"] and mask != ours["in_loss"]
    print(f"{len(records)} examples: ids differ in {different_ids}, masks in {different_masks}")
    raise SystemExit(different_ids + different_masks > 0)


if __name__ == "__main__":
    main()
