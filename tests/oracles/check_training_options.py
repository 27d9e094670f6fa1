# requirements: torch==2.13.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 accelerate==1.15.0 tokenizers==0.23.3
"""Does `lqlora finetune` compute with each of its options what transformers' Trainer and PEFT compute?

usage: check_training_options.py LQLORA [CASE ...] [--keep FOLDER]

Makes tiny random Llama models, adapters and examples of unequal lengths, trains them with both from the same start in
the same order, and compares loss, learning rate and gradient norm of every step, the weights at the end, and the loss
of what lqlora wrote as PEFT reads it with `lqlora eval`. Prints a line a case; exits 1 where one differs.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from training_oracle import AdamW8bit, tiny_trainer
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast
from transformers.utils import logging

SIZES = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=512, rms_norm_eps=1e-5)
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
LINEARS = ATTENTION + ["gate_proj", "up_proj", "down_proj"]
NORMS = ["input_layernorm", "post_attention_layernorm", "norm"]
LONG = 320  # no example of ours is longer

# name: base, settings of LoraConfig (None: all of the model learns), flags of lqlora, arguments of Trainer
CASES = {
    "cosine": ("untied", {}, ["--warmup", 4], dict(warmup_steps=4)),
    "linear": ("untied", {}, ["--schedule", "linear", "--warmup", 0.13],
               dict(lr_scheduler_type="linear", warmup_steps=0.13)),
    "constant": ("untied", {}, ["--schedule", "constant", "--warmup", 0], dict(lr_scheduler_type="constant")),
    "constant_warmup": ("untied", {}, ["--schedule", "constant", "--warmup", 3],
                        dict(lr_scheduler_type="constant_with_warmup", warmup_steps=3)),
    "long_warmup": ("untied", {}, ["--warmup", 40], dict(warmup_steps=40)),
    "decay": ("untied", {}, ["--weight-decay", 0.5, "--warmup", 0], dict(weight_decay=0.5)),
    "betas": ("untied", {}, ["--beta1", 0.8, "--beta2", 0.95, "--eps", 1e-3, "--warmup", 0],
              dict(adam_beta1=0.8, adam_beta2=0.95, adam_epsilon=1e-3)),
    "beta_zero": ("untied", {}, ["--beta1", 0, "--beta2", 0, "--eps", 1e-2, "--warmup", 0],
                  dict(adam_beta1=0.0, adam_beta2=0.0, adam_epsilon=1e-2)),
    "clip": ("untied", {}, ["--clip", 0.05, "--warmup", 0, "--eps", 1e-2], dict(max_grad_norm=0.05, adam_epsilon=1e-2)),
    "no_clip": ("untied", {}, ["--clip", 0, "--warmup", 0, "--eps", 1e-2], dict(max_grad_norm=0, adam_epsilon=1e-2)),
    "accumulate": ("untied", {}, ["--grad-accum", 3, "--warmup", 0], dict(gradient_accumulation_steps=3)),
    "epochs": ("untied", {}, ["--grad-accum", 2, "--batch-size", 3, "--warmup", 0.1, "--epochs", 2.5],
               dict(gradient_accumulation_steps=2, per_device_train_batch_size=3, warmup_steps=0.1,
                    num_train_epochs=2.5, max_steps=-1)),
    "lora_plus": ("untied", {}, ["--lora-plus", 8, "--warmup", 0], {}),
    "lora_plus_decay": ("untied", {}, ["--lora-plus", 8, "--weight-decay", 0.3, "--warmup", 0],
                        dict(weight_decay=0.3)),
    "eight_bits": ("untied", dict(target_modules=LINEARS, r=24, lora_alpha=24),
                   ["--optimizer", "adamw8bit", "--warmup", 0], {}),
    "rslora": ("untied", dict(use_rslora=True, target_modules=LINEARS), ["--warmup", 0], {}),
    "patterns": ("tied", dict(target_modules=LINEARS, rank_pattern={"q_proj": 2, "down_proj": 7},
                              alpha_pattern={"up_proj": 3, "^model.layers.0.self_attn.v_proj": 1}),
                 ["--warmup", 0], {}),
    "patterns_rslora": ("tied", dict(target_modules=LINEARS, use_rslora=True, rank_pattern={"q_proj": 2, "down_proj": 7},
                                     alpha_pattern={"up_proj": 3}), ["--warmup", 0], {}),
    "dora": ("untied", dict(use_dora=True, target_modules=LINEARS), ["--warmup", 0], {}),
    "bias_all": ("biased", dict(bias="all", target_modules=["q_proj", "up_proj"]),
                 ["--warmup", 0, "--weight-decay", 0.5], dict(weight_decay=0.5)),
    "bias_lora_only": ("biased", dict(bias="lora_only", target_modules=["q_proj", "up_proj"]), ["--warmup", 0], {}),
    "norms": ("untied", dict(modules_to_save=NORMS), ["--warmup", 0, "--train", "norms", "--weight-decay", 0.5],
              dict(weight_decay=0.5)),
    "head": ("untied", dict(modules_to_save=["lm_head"]),
             ["--warmup", 0, "--train", "head", "--weight-decay", 0.5, "--clip", 0.1, "--eps", 1e-3],
             dict(weight_decay=0.5, max_grad_norm=0.1, adam_epsilon=1e-3)),
    "embeddings": ("untied", dict(modules_to_save=["embed_tokens"]), ["--warmup", 0, "--train", "embeddings"], {}),
    "tied_pair": ("tied", dict(modules_to_save=["embed_tokens"], ensure_weight_tying=True),
                  ["--warmup", 0, "--train", "head", "--weight-decay", 0.5, "--clip", 0.1, "--eps", 1e-3],
                  dict(weight_decay=0.5, max_grad_norm=0.1, adam_epsilon=1e-3)),
    "head_low_rank": ("untied", dict(target_modules=["q_proj", "lm_head"]), ["--warmup", 0], {}),
    "head_low_rank_tied": ("tied", dict(target_modules=["q_proj", "lm_head"]), ["--warmup", 0], {}),
    "embedding_low_rank": ("untied", dict(target_modules=["q_proj", "embed_tokens"]), ["--warmup", 0], {}),
    "grouped": ("untied", {}, ["--warmup", 0, "--batching", "grouped", "--batch-size", 64],
                dict(per_device_train_batch_size=64)),
    "packed": ("untied", {}, ["--warmup", 0, "--batching", "packed", "--batch-size", 64],
               dict(per_device_train_batch_size=64)),
    "train_on_all": ("untied", {}, ["--warmup", 0, "--train-on", "all"], {}),
    "messages": ("untied", {}, ["--warmup", 0], {}),
    "full": ("untied", None, ["--warmup", 0, "--full", "--weight-decay", 0.5], dict(weight_decay=0.5)),
    "full_tied": ("tied", None, ["--warmup", 0, "--full", "--weight-decay", 0.5], dict(weight_decay=0.5)),
    "full_biased": ("biased", None, ["--warmup", 0, "--full", "--weight-decay", 0.5], dict(weight_decay=0.5)),
    "reference": ("untied", {}, ["--warmup", 0], {}),
    "reference_accumulate": ("untied", {}, ["--warmup", 0, "--grad-accum", 3], dict(gradient_accumulation_steps=3)),
}

CHAT = ("{% for m in messages %}<|{{ m['role'] }}|>{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}"
        "</s>{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}{% endfor %}")


def make_tokenizer(folder):
    marks = ["<s>", "</s>", "<|user|>", "<|assistant|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {piece: i for i, piece in enumerate(marks + letters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(marks)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", chat_template=CHAT)
    fast.save_pretrained(folder)
    return fast, len(vocab)


def randomize(named, seed, spread):
    rng = torch.Generator().manual_seed(seed)
    for name, p in named:
        with torch.no_grad():
            noise = torch.randn(p.shape, generator=rng)
            if "norm" in name or "magnitude" in name:
                p.mul_(1 + 0.2 * noise)
            else:
                p.add_(spread * noise)


def make_bases(folder):
    bases = {}
    for i, (name, more) in enumerate({"untied": dict(tie_word_embeddings=False), "tied": dict(tie_word_embeddings=True),
                                      "biased": dict(tie_word_embeddings=False, attention_bias=True, mlp_bias=True)
                                      }.items()):
        out = folder / name
        _, vocab = make_tokenizer(out)
        torch.manual_seed(i)
        config = LlamaConfig(vocab_size=vocab, bos_token_id=0, eos_token_id=1, **SIZES, **more)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        randomize(model.named_parameters(), i + 10, 0.08)
        model.save_pretrained(out)
        bases[name] = out
    return bases


def make_examples(folder, tokenizer):
    """Records as lqlora reads them, and the ids and labels that they mean."""
    rng = random.Random(5)
    word = lambda n: "".join(rng.choice("abcdef ghi") for _ in range(n))
    kinds = {"pairs": [], "all": [], "messages": []}
    records = {"pairs": [], "messages": []}
    for i in range(16):
        prompt, completion = word(rng.randint(1, 40)), word(rng.choice([1, 3, 20, 60]))
        records["pairs"].append({"prompt": prompt, "completion": completion})
        x, y = tokenizer(prompt)["input_ids"], tokenizer(completion)["input_ids"] + [1]
        kinds["pairs"].append((x + y, [-100] * len(x) + y))
        kinds["all"].append((x + y, x + y))
        messages, ids, labels = [], [], []
        for turn in range(rng.randint(1, 3)):
            says, answers = word(rng.randint(1, 12)), word(rng.randint(1, 30))
            weight = rng.choice([0, 1, 1]) if turn else 1
            messages += [{"role": "user", "content": says}, {"role": "assistant", "content": answers, "weight": weight}]
            x = [2] + tokenizer(says)["input_ids"] + [3]
            y = tokenizer(answers)["input_ids"] + [1]
            ids += x + y
            labels += [-100] * len(x) + (y if weight else [-100] * len(y))
        records["messages"].append({"messages": messages})
        kinds["messages"].append((ids, labels))
    paths = {}
    for kind, lines in records.items():
        paths[kind] = folder / f"{kind}.jsonl"
        paths[kind].write_text("".join(json.dumps(line) + "\n" for line in lines))
    paths["all"] = paths["pairs"]
    text = folder / "text.txt"
    text.write_text(word(700))
    return paths, kinds, text


class Bench:
    def __init__(self, lqlora, folder):
        self.lqlora, self.folder = lqlora, folder
        self.bases = make_bases(folder / "bases")
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(self.bases["untied"])
        self.paths, self.examples, self.text = make_examples(folder, self.tokenizer)

    def call(self, *arguments):
        command = [self.lqlora, "--threads", "1", "--quiet", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(" ".join(command) + "\n" + done.stderr)
        return done.stdout

    def base(self, name):
        return AutoModelForCausalLM.from_pretrained(self.bases[name], dtype=torch.float32, attn_implementation="eager")

    def start(self, name, base, settings, folder):
        torch.manual_seed(0)
        settings = {"r": 4, "lora_alpha": 6, "target_modules": ATTENTION, **settings}
        model = get_peft_model(self.base(base), LoraConfig(task_type="CAUSAL_LM", **settings))
        learns = [(n, p) for n, p in model.named_parameters() if p.requires_grad and "modules_to_save" not in n]
        randomize(learns, sum(map(ord, name)), 0.1)
        model.save_pretrained(folder)

    def run(self, name):
        base, settings, flags, arguments = CASES[name]
        full, distil = settings is None, name.startswith("reference")
        folder = self.folder / name
        folder.mkdir()
        kind = {"train_on_all": "all", "messages": "messages"}.get(name, "pairs")
        command = ["finetune", self.bases[base], "--data", self.paths[kind], "-o", folder / "out", "--lr", 5e-3]
        command += ["--seq-len", LONG, "--batching", "plain", "--no-shuffle", "--matmul-precision", "f32"]
        command += ["--batch-size", 2] if "--batch-size" not in flags else []
        command += ["--max-steps", 14] if "--epochs" not in flags else []
        command += flags
        if full:
            model = self.base(base)
        else:
            self.start(name, base, settings, folder / "start")
            command += ["--adapter", folder / "start"]
            model = PeftModel.from_pretrained(self.base(base), folder / "start", is_trainable=True)
        if "--batching" in flags:
            command.remove("plain"), command.remove("--batching")
        if distil:
            command += ["--reference", self.bases["tied"]]
        self.call(*command)
        lines = [json.loads(line) for line in (folder / "out" / "log.jsonl").read_text().splitlines()]
        ours = [(x["loss"], x["learning_rate"], x["gradient_norm"]) for x in lines]

        trainer = tiny_trainer(model, self.examples[kind], folder / "trainer", arguments,
                               reference=self.base("tied") if distil else None)
        if "--lora-plus" in flags:
            trainer.optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=5e-3, loraplus_lr_ratio=8,
                                                          loraplus_weight_decay=arguments.get("weight_decay", 0.0))
        if name == "eight_bits":
            trainer.optimizer = AdamW8bit([p for p in model.parameters() if p.requires_grad], lr=5e-3)
        trainer.train()
        theirs = trainer.record
        if len(ours) != len(theirs):
            return [f"{len(ours)} steps, Trainer {len(theirs)}"]
        bad = []
        for what, i, most in (("loss", 0, 2e-5), ("rate", 1, 1e-6), ("norm", 2, 2e-4)):
            if what == "norm" and arguments.get("max_grad_norm") == 0:
                continue
            far = [abs(a[i] - b[i]) / max(abs(b[i]), 1e-12) if b[i] or a[i] else 0.0 for a, b in zip(ours, theirs)]
            if max(far) > most:
                at = far.index(max(far))
                bad.append(f"{what} of step {at + 1}: {ours[at][i]:.7g}, Trainer {theirs[at][i]:.7g}")
        return bad + self.compare_weights(folder, model, full) + self.compare_eval(folder, base, full)

    def compare_weights(self, folder, model, full):
        model.save_pretrained(folder / "theirs")
        file = "model.safetensors" if full else "adapter_model.safetensors"
        ours, theirs = load_file(folder / "out" / file), load_file(folder / "theirs" / file)
        # PEFT adds a copy of a frozen embedding or head that has a low-rank part.
        theirs = {name: w for name, w in theirs.items() if name in ours or "base_layer" not in name}
        bad = []
        if set(ours) != set(theirs):
            bad.append(f"names: only ours {sorted(set(ours) - set(theirs))}, only theirs {sorted(set(theirs) - set(ours))}")
        start = {} if full else load_file(folder / "start" / file)
        for name in sorted(set(ours) & set(theirs)):
            moved = (theirs[name] - start[name]).norm() if name in start else theirs[name].norm()
            far = (ours[name] - theirs[name]).norm() / max(moved, 1e-9)
            if ours[name].shape != theirs[name].shape or far > 5e-3:
                bad.append(f"{name}: off by {far:.2g} of the change")
        return bad

    def compare_eval(self, folder, base, full):
        model = AutoModelForCausalLM.from_pretrained(folder / "out" if full else self.bases[base], dtype=torch.float32)
        adapter = [] if full else ["--adapter", folder / "out"]
        if not full:
            model = PeftModel.from_pretrained(model, folder / "out")
        ids = self.tokenizer(self.text.read_text())["input_ids"]
        total, count = 0.0, 0
        for at in range(0, len(ids), 128):
            window = torch.tensor([ids[at : at + 128]])
            n = window.shape[1] - 1
            with torch.no_grad():
                total += model(input_ids=window, labels=window).loss.item() * n
            count += n
        said = json.loads(self.call("--json", "-", "eval", folder / "out" if full else self.bases[base], *adapter,
                                    "--tasks", "perplexity", "--data", self.text, "--seq-len", 128))
        nll = said["perplexity"]["nll_per_token"]
        return [] if math.isclose(nll, total / count, rel_tol=1e-4) else [f"eval {nll}, PEFT {total / count}"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("lqlora")
    p.add_argument("cases", nargs="*")
    p.add_argument("--keep", type=Path)
    a = p.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as temporary:
        folder = a.keep or Path(temporary)
        bench = Bench(a.lqlora, folder)
        wrong = 0
        for name in a.cases or CASES:
            try:
                bad = bench.run(name)
            except RuntimeError as e:
                bad = [str(e)]
            wrong += bool(bad)
            print(f"{name}: {'same' if not bad else '; '.join(bad)}", flush=True)
    print(f"{len(a.cases or CASES)} cases, {wrong} differ")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
