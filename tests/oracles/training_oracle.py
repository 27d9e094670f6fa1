"""What check_training_options.py trains with: transformers' Trainer in a fixed order, with its steps on record."""

import torch
from torch.nn import functional as F
from transformers import Trainer, TrainerCallback, TrainingArguments


def collate(examples):
    longest = max(len(ids) for ids, _ in examples)
    batch = {"input_ids": [], "attention_mask": [], "labels": []}
    for ids, labels in examples:
        more = longest - len(ids)
        batch["input_ids"].append(ids + [0] * more)
        batch["attention_mask"].append([1] * len(ids) + [0] * more)
        batch["labels"].append(labels + [-100] * more)
    return {key: torch.tensor(value) for key, value in batch.items()}


class Recorder(TrainerCallback):
    """The rate that a step is made with."""

    def __init__(self):
        self.rates = []

    def on_pre_optimizer_step(self, args, state, control, optimizer=None, **kwargs):
        self.rates.append(min(group["lr"] for group in optimizer.param_groups if group["params"]))


class Distilled(Trainer):
    """A Trainer in the order of the examples; with a reference the loss is KL(reference || model)."""

    reference = None

    def _get_train_sampler(self, *args, **kwargs):
        return torch.utils.data.SequentialSampler(self.train_dataset)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        if self.reference is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs.pop("labels")[:, 1:]
        ours = model(**inputs).logits[:, :-1].log_softmax(-1)
        with torch.no_grad():
            theirs = self.reference(**inputs).logits[:, :-1].log_softmax(-1)
        each = F.kl_div(ours, theirs, reduction="none", log_target=True).sum(-1)
        return each[labels != -100].sum() / num_items_in_batch

    def training_step(self, *args, **kwargs):
        loss = super().training_step(*args, **kwargs)
        self.parts.append(loss.item())
        return loss

    def log(self, logs, *args, **kwargs):
        if "loss" in logs:
            self.record.append((sum(self.parts), self.recorder.rates[-1], float(logs.get("grad_norm", 0.0))))
            self.parts.clear()


def tiny_trainer(model, examples, folder, arguments, reference=None):
    settings = dict(learning_rate=5e-3, lr_scheduler_type="cosine", max_steps=14, per_device_train_batch_size=2,
                    max_grad_norm=1.0, optim="adamw_torch", logging_steps=1, save_strategy="no", report_to=[],
                    disable_tqdm=True, use_cpu=True, remove_unused_columns=False, seed=0)
    trainer = Distilled(model=model, args=TrainingArguments(str(folder), **{**settings, **arguments}),
                        train_dataset=examples, data_collator=collate)
    trainer.recorder = Recorder()
    trainer.add_callback(trainer.recorder)
    trainer.parts, trainer.record, trainer.reference = [], [], reference
    return trainer


class AdamW8bit(torch.optim.Optimizer):
    """Moments as codes of dynamic tree quantization with a scale for each 256 (Dettmers et al. 2022, section 2)."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, dict(lr=lr, betas=betas, eps=eps))

    @staticmethod
    def table(signed):
        values = [0.0, 1.0]
        for i in range(7):
            count = 2**i if signed else 2 ** (i + 1)
            edges = torch.linspace(0.1, 1, count + 1, dtype=torch.float64)
            for middle in ((edges[1:] + edges[:-1]) / 2).tolist():
                values += [middle * 10 ** (i - 6)] + ([-middle * 10 ** (i - 6)] if signed else [])
        return torch.tensor(sorted(values), dtype=torch.float64)

    @classmethod
    def through_codes(cls, x, signed):
        table = cls.table(signed)
        flat = F.pad(x.flatten().double(), (0, -x.numel() % 256)).view(-1, 256)
        scale = flat.abs().amax(1, keepdim=True)
        unit = flat / scale.clamp_min(1e-45)
        at = torch.bucketize(unit, (table[1:] + table[:-1]) / 2)
        return (table[at] * scale).flatten()[: x.numel()].view_as(x).float()

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            (b1, b2), eps = group["betas"], group["eps"]
            for p in group["params"]:
                s = self.state[p]
                if not s:
                    s.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                s["t"] += 1
                m = b1 * s["m"] + (1 - b1) * p.grad
                v = b2 * s["v"] + (1 - b2) * p.grad**2
                p -= group["lr"] / (1 - b1 ** s["t"]) * m / ((v / (1 - b2 ** s["t"])).sqrt() + eps)
                packed = p.numel() >= 4096
                s["m"], s["v"] = (self.through_codes(m, True), self.through_codes(v, False)) if packed else (m, v)
