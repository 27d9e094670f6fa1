# requirements: torch==2.13.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0
"""Tiny random encoders with Hugging Face's outputs, losses and gradients, as oracles for the engine's tests.

usage: make_encoder_goldens.py [OUT] [NAME ...]     (OUT defaults to this script's folder, NAME to every case)

OUT/NAME/ gets config.json and model.safetensors (float32), adapter/ (LoRA as PEFT saves it, A and B random, of a model with
classes also its head as modules_to_save) and golden.safetensors. Sequences of different lengths are padded for transformers and
stand here end to end, without padding:

    input_ids, token_types, starts   [tokens], [tokens], [sequences + 1] i64
    labels                           [tokens] i64 (-100: not predicted), or [sequences] f32 of a model with a head over sequences
    hidden                           last hidden state, [tokens, width], of the bare model
    outputs, loss, grad.NAME         logits or the head's outputs; the mean loss; its gradient for every weight
    lora_outputs, lora_loss, lora_grad.NAME   the same with the adapter, NAME as in adapter_model.safetensors

Attention is eager, everything float32 on one thread, in evaluation mode (no dropout).
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
import transformers as hf
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

BERT = dict(vocab_size=89, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=44, max_position_embeddings=40, type_vocab_size=2)
ROBERTA = {**BERT, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
DISTIL = dict(vocab_size=89, dim=32, n_layers=2, n_heads=4, hidden_dim=44, max_position_embeddings=40)
LINEARS = {"bert": ["query", "key", "value", "dense"], "distilbert": ["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"]}
LENGTHS = [17, 5, 11]

# name: model class, config class, settings, what it predicts, modules_to_save
CASES = {
    "bert_masked": (hf.BertForMaskedLM, hf.BertConfig, BERT, "tokens", None),
    "bert_classes": (hf.BertForSequenceClassification, hf.BertConfig, {**BERT, "num_labels": 3, "layer_norm_eps": 1e-5}, "classes", ["classifier"]),
    "bert_number": (hf.BertForSequenceClassification, hf.BertConfig, {**BERT, "num_labels": 1, "hidden_act": "gelu_new"}, "number", ["classifier"]),
    "bert_bare": (hf.BertModel, hf.BertConfig, BERT, "hidden", None),
    "roberta_masked": (hf.RobertaForMaskedLM, hf.RobertaConfig, ROBERTA, "tokens", None),
    "roberta_classes": (hf.RobertaForSequenceClassification, hf.RobertaConfig, {**ROBERTA, "num_labels": 2}, "classes", ["classifier"]),
    "xlm_roberta_masked": (hf.XLMRobertaForMaskedLM, hf.XLMRobertaConfig, ROBERTA, "tokens", None),
    "distilbert_masked": (hf.DistilBertForMaskedLM, hf.DistilBertConfig, DISTIL, "tokens", None),
    "distilbert_classes": (hf.DistilBertForSequenceClassification, hf.DistilBertConfig, {**DISTIL, "num_labels": 2}, "classes", ["pre_classifier", "classifier"]),
}


def randomize(model, rng):
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=rng)
        with torch.no_grad():
            if "norm" in name.lower() and name.endswith("weight"):
                p.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                p.copy_(0.3 * noise)
            else:
                p.copy_(0.25 * noise)


def padded(rows, fill):
    out = torch.full((len(rows), max(map(len, rows))), fill, dtype=rows[0].dtype)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def packed(x):
    return torch.cat([x[i, :n] for i, n in enumerate(LENGTHS)])


class Inputs:
    def __init__(self, config, kind, rng):
        self.kind = kind
        self.ids = [torch.randint(5, config.vocab_size, (n,), generator=rng) for n in LENGTHS]
        types = getattr(config, "type_vocab_size", 0)
        self.types = [(torch.arange(n) >= n // 2).long() if types > 1 else torch.zeros(n, dtype=torch.long) for n in LENGTHS]
        pad = config.pad_token_id
        self.call = {"input_ids": padded(self.ids, pad), "attention_mask": padded([torch.ones(n, dtype=torch.long) for n in LENGTHS], 0)}
        if types > 1:
            self.call["token_type_ids"] = padded(self.types, 0)
        if kind == "tokens":
            labels = [torch.where(torch.rand(n, generator=rng) < 0.4, torch.randint(0, config.vocab_size, (n,), generator=rng), -100) for n in LENGTHS]
            self.labels, self.call["labels"] = torch.cat(labels), padded(labels, -100)
        elif kind == "classes":
            self.call["labels"] = torch.tensor([1, 0, config.num_labels - 1])
            self.labels = self.call["labels"].float()
        elif kind == "number":
            self.call["labels"] = self.labels = torch.tensor([0.5, -1.0, 3.25])

    def golden(self):
        starts = torch.tensor([sum(LENGTHS[:i]) for i in range(len(LENGTHS) + 1)])
        out = {"input_ids": torch.cat(self.ids), "token_types": torch.cat(self.types), "starts": starts}
        if self.kind != "hidden":
            out["labels"] = self.labels
        return out

    def run(self, model):
        model.zero_grad()
        out = model(**self.call)
        if self.kind == "hidden":
            return packed(out.last_hidden_state.detach()), None
        out.loss.backward()
        logits = out.logits.detach()
        return (packed(logits) if self.kind == "tokens" else logits), out.loss.detach()


def make(name, folder):
    model_class, config_class, settings, kind, whole = CASES[name]
    rng = torch.Generator().manual_seed(sum(map(ord, name)))
    shutil.rmtree(folder, ignore_errors=True)
    model = model_class(config_class(**settings))
    randomize(model, rng)
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        folder.mkdir(parents=True)
        for file in ("model.safetensors", "config.json"):
            shutil.copyfile(Path(temporary) / file, folder / file)
    model = model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    inputs = Inputs(model.config, kind, rng)
    golden = inputs.golden()
    outputs, loss = inputs.run(model)
    if kind == "hidden":
        golden["hidden"] = outputs
    else:
        golden["outputs"], golden["loss"] = outputs, loss
        for key in load_file(folder / "model.safetensors"):
            golden["grad." + key] = model.get_parameter(key).grad
        body = model.base_model_prefix
        linears = LINEARS["distilbert" if body == "distilbert" else "bert"]
        targets = rf"{body}\.(encoder|transformer)\..*\.({'|'.join(linears)})"
        lora = LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="SEQ_CLS" if whole else None, modules_to_save=whole)
        peft = get_peft_model(model, lora).eval()
        trained = {n: p for n, p in peft.named_parameters() if p.requires_grad}
        for n, p in trained.items():
            with torch.no_grad():
                p.copy_(0.3 * torch.randn(p.shape, generator=rng))
        golden["lora_outputs"], golden["lora_loss"] = inputs.run(peft)
        peft.save_pretrained(folder / "adapter")
        (folder / "adapter" / "README.md").unlink(missing_ok=True)
        path = folder / "adapter" / "adapter_config.json"
        saved = json.loads(path.read_text())
        saved.update(base_model_name_or_path=name)
        if saved.get("modules_to_save"):
            saved["modules_to_save"] = sorted(saved["modules_to_save"])
        path.write_text(json.dumps(saved, indent=2) + "\n")
        keys = load_file(folder / "adapter" / "adapter_model.safetensors")
        grads = {n.replace(".default", "").replace(".modules_to_save", ""): p.grad for n, p in trained.items()}
        assert keys.keys() == grads.keys(), (sorted(keys), sorted(grads))
        golden.update({"lora_grad." + n: g for n, g in grads.items()})
    save_file({k: v.contiguous().clone() for k, v in golden.items()}, folder / "golden.safetensors")
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(f"{name}: loss {loss}, {size / 1024:.0f} KiB", sorted(load_file(folder / "model.safetensors"))[:3], flush=True)


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    torch.set_num_threads(1)
    for name in sys.argv[2:] or CASES:
        make(name, out / name)


main()
