# requirements: torch==2.13.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 tokenizers==0.23.3 jinja2==3.1.6
"""Does lqlora compute what transformers and PEFT compute, whatever model, adapter and conversation they are given?

usage: differential.py LQLORA [--seconds N] [--tries N] [--seed S] [--keep FOLDER]

Each try draws a small model of a random family (llama, mistral, qwen2, qwen3: widths, heads, biases, tied or not, sliding
windows, kinds of rope, types, config.json as transformers 5 or 4 wrote it), a random adapter (targets with head and
embedding, ranks, patterns, rslora, DoRA, biases, whole modules) and random conversations through a random chat template, and
compares: the loss of a text (relative, 1e-4) with transformers and PEFT on the same files; tokens and loss mask of the
conversations with apply_chat_template. Every few tries it also fine-tunes for two steps from there and compares what PEFT
makes of the adapter that was written, or quantizes, exports with the adapter merged, and compares what transformers makes of
that. It prints every difference with its seed (`--seed S --tries 1` does it again), what was refused and how often, and how
many it tried; exit 1 where something differs.
"""

import argparse
import collections
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
warnings.filterwarnings("ignore")

import torch  # noqa: E402
import transformers  # noqa: E402
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers  # noqa: E402
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast  # noqa: E402

transformers.utils.logging.disable_progress_bar()

WORDS = ("the lamp of a tower stood over grey water and she counted every step twice before morning came; "
         "naïve façade 42 %d {x} <b> ünï 😀 don't it's 3.14 -7").split(" ")
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LENGTH = 96  # of a window, with the first token
SPECIALS = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>", "<|pad|>", "<start_of_turn>", "<end_of_turn>", "[INST]",
            "[/INST]"]


def some_text(rng, words):
    return "".join(rng.choice(WORDS) + rng.choice([" "] * 8 + ["\n", "  ", ", "]) for _ in range(words)).strip() or "x"


def make_tokenizer(folder):
    """One tokenizer for all tries: byte-level BPE with special tokens."""
    rng = random.Random(1)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIALS, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([some_text(rng, 400) for _ in range(20)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<|bos|> $A", special_tokens=[("<|bos|>", 0)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|bos|>", eos_token="<|eos|>", pad_token="<|pad|>",
                                   clean_up_tokenization_spaces=False)
    fast.save_pretrained(folder)
    return len(fast)


# --- models ---

def rope(rng):
    kind = rng.choice(["default"] * 3 + ["linear", "dynamic", "llama3", "yarn"])
    section = {"rope_type": kind, "rope_theta": rng.choice([10000.0, 500000.0, 1e6])}
    positions = 128
    if kind in ("linear", "dynamic", "llama3", "yarn"):
        section["factor"] = rng.choice([2.0, 4.0, 8.0])
    if kind == "dynamic":
        positions = rng.choice([32, 128])
    if kind == "llama3":
        section.update(low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=rng.choice([32, 64]))
    if kind == "yarn":
        section.update(original_max_position_embeddings=rng.choice([16, 32]))
        if rng.random() < 0.3:
            section["attention_factor"] = 1.1
        if rng.random() < 0.3:
            section["beta_fast"] = 16.0
        if rng.random() < 0.3:
            section["truncate"] = False
    return section, positions


def draw_model(rng, vocabulary):
    family = rng.choice(["llama", "mistral", "qwen2", "qwen3"])
    section, positions = rope(rng)
    kv = rng.choice([1, 2])
    heads = kv * rng.choice([1, 2, 3])
    head_dim = rng.choice([4, 8, 12])
    layers = rng.choice([1, 2, 3])
    settings = dict(
        vocab_size=vocabulary + rng.choice([0, 0, 3]), hidden_size=heads * head_dim, intermediate_size=rng.choice([20, 40]),
        num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv, max_position_embeddings=positions,
        rms_norm_eps=rng.choice([1e-5, 1e-6]), tie_word_embeddings=rng.random() < 0.5, bos_token_id=0, eos_token_id=1,
        pad_token_id=None, rope_parameters=section)
    if family != "qwen2" and rng.random() < 0.5:
        settings["head_dim"] = rng.choice([4, 6, 10])
    if family in ("llama", "qwen3"):
        settings["attention_bias"] = rng.random() < 0.4
    if family == "llama":
        settings["mlp_bias"] = rng.random() < 0.3
    if family == "mistral":
        settings["sliding_window"] = rng.choice([None, 7, 30])
    if family in ("qwen2", "qwen3") and rng.random() < 0.5:
        settings.update(use_sliding_window=True, sliding_window=rng.choice([5, 20]), max_window_layers=rng.randrange(layers + 1))
    config = {"llama": transformers.LlamaConfig, "mistral": transformers.MistralConfig, "qwen2": transformers.Qwen2Config,
              "qwen3": transformers.Qwen3Config}[family](**settings)
    return family, config, section


def randomize(named, generator, spread):
    with torch.no_grad():
        for name, p in named:
            noise = torch.randn(p.shape, generator=generator)
            if "norm.weight" in name or "norm.modules_to_save" in name or "magnitude" in name:
                p.mul_(1 + 0.3 * noise.to(p.dtype))
            else:
                p.add_((spread * noise).to(p.dtype))


def write_model(rng, generator, folder, tokenizer, vocabulary):
    family, config, section = draw_model(rng, vocabulary)
    dtype = rng.choice([torch.float32, torch.float32, torch.bfloat16, torch.float16])
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomize(model.named_parameters(), generator, 0.25)
    model.to(dtype).save_pretrained(folder)
    for file in tokenizer.iterdir():
        shutil.copy(file, folder)
    path = folder / "config.json"
    if rng.random() < 0.4:  # as transformers 4 wrote it
        saved = json.loads(path.read_text())
        saved.pop("rope_parameters")
        saved.pop("layer_types", None)
        saved["rope_theta"] = section["rope_theta"]
        rest = {k: v for k, v in section.items() if k != "rope_theta"}
        saved["rope_scaling"] = None if rest["rope_type"] == "default" else rest
        saved["torch_dtype"] = saved.pop("dtype")
        path.write_text(json.dumps(saved, indent=1))
    return family, config, section


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


# --- adapters ---

def draw_adapter(rng, config):
    targets = rng.sample(LINEARS, rng.randrange(1, 8))
    extra = [t for t in ("lm_head", "embed_tokens") if rng.random() < 0.25]
    whole = [m for m in ("lm_head", "embed_tokens", "norm") if m not in extra and rng.random() < 0.15]
    settings = dict(r=rng.randrange(1, 6), lora_alpha=rng.randrange(1, 12), target_modules=targets + extra,
                    use_rslora=rng.random() < 0.3, use_dora=rng.random() < 0.35,
                    bias=rng.choice(["none"] * 3 + ["lora_only", "all"]), modules_to_save=whole or None,
                    lora_dropout=rng.choice([0.0, 0.1]), init_lora_weights=rng.choice([True, "gaussian"]))
    if rng.random() < 0.4:
        settings["rank_pattern"] = {rng.choice(["q_proj", r"layers\.0\.mlp\.up_proj", "^model.layers.0.self_attn.v_proj",
                                                "lm_head", "embed_tokens"]): rng.randrange(1, 5)}
    if rng.random() < 0.4:
        settings["alpha_pattern"] = {rng.choice(["k_proj", "mlp.down_proj", "model.embed_tokens", "lm_head"]): rng.randrange(1, 9)}
    if rng.random() < 0.2:
        settings["layers_to_transform"] = [0]
        settings["target_modules"] = targets  # PEFT asks for a layer's number in every name
    if config.tie_word_embeddings and rng.random() < 0.2:
        settings["ensure_weight_tying"] = True
    return LoraConfig(task_type="CAUSAL_LM", **settings)


def as_state_dict(folder):
    """The names as torch.save of the wrapped model's state dict has them, which PEFT itself does not read."""
    file = folder / "adapter_model.safetensors"
    config = json.loads((folder / "adapter_config.json").read_text())
    named = {}
    for name, t in load_file(file).items():
        stem, dot, end = name.rpartition(".")
        if "lora_magnitude_vector" in name:
            name += ".default.weight"
        elif "lora_embedding" in name:
            name += ".default"
        elif "lora_" in name:
            name = f"{stem}.default.{end}"
        elif any(stem.endswith(m) for m in config["modules_to_save"] or []):
            name = f"{stem}.modules_to_save.default.{end}"
        named[name] = t
    save_file(named, file, metadata={"format": "pt"})


# --- conversations ---

def draw_template(rng):
    begin, end = rng.choice([("<|im_start|>{}\n", "<|im_end|>"), ("<start_of_turn>{}\n", "<end_of_turn>"), ("[INST]{}[/INST] ", "<|eos|>"),
                             ("### {}: ", "<|eos|>"), ("{}> ", "\n\n")])
    head = "'" + begin.replace("\n", "\\n").replace("{}", "' + message['role'] + '") + "'"
    tail = "'" + end.replace("\n", "\\n") + "'"
    after = rng.choice(["", "{{ '\\n' }}", "\n\n"])
    dash = rng.choice(["", "-"])
    body = rng.choice(["message['content']", "message.content | trim", "message.content"])
    start = rng.choice(["", "{{ bos_token }}", "{{- bos_token -}}"])
    return (f"{start}{{% for message in messages %}}{{{{ {head} }}}}"
            f"{{%{dash} if message['role'] == 'assistant' {dash}%}}{{% generation %}}{{{{ {body} + {tail} }}}}"
            f"{{% endgeneration %}}{{%{dash} else {dash}%}}{{{{ {body} + {tail} }}}}{{% endif %}}{after}{{% endfor %}}"
            f"{{% if add_generation_prompt %}}{{{{ {head.replace(chr(109) + 'essage[' + chr(39) + 'role' + chr(39) + ']', chr(39) + 'assistant' + chr(39))} }}}}{{% endif %}}")


def draw_conversation(rng):
    messages = [{"role": "system", "content": some_text(rng, 4)}] if rng.random() < 0.4 else []
    for _ in range(rng.randrange(1, 4)):
        messages.append({"role": "user", "content": some_text(rng, rng.randrange(1, 12))})
        messages.append({"role": "assistant", "content": some_text(rng, rng.randrange(1, 12))})
    return messages


# --- comparing ---

class Refused(Exception):
    pass


class Differential:
    def __init__(self, program, work):
        self.program = program
        self.work = work
        self.tokenizer = work / "tokenizer"
        self.vocabulary = make_tokenizer(self.tokenizer)
        self.counts = collections.Counter()
        self.refusals = collections.Counter()

    def lqlora(self, *arguments):
        command = [self.program, "--threads", "1", "--quiet", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode == 0:
            return done.stdout
        text = (done.stderr.strip().splitlines() or ["?"])[-1]
        if done.returncode < 0 or "internal" in text.lower():
            raise AssertionError(f"lqlora {arguments[0]} died ({done.returncode}): {text}")
        raise Refused(text)

    def loss(self, model, text, *more):
        out = json.loads(self.lqlora("--json", "-", "eval", model, *more, "--tasks", "perplexity", "--data", text,
                                     "--seq-len", LENGTH))
        found = []

        def walk(value):
            if isinstance(value, dict):
                found.extend([value["nll_per_token"]] if "nll_per_token" in value else [])
                for v in value.values():
                    walk(v)

        walk(out)
        return found[0]

    def oracle(self, model, ids):
        total = count = 0
        with torch.no_grad():
            for i in range(0, len(ids), LENGTH - 1):
                window = [0] + ids[i : i + LENGTH - 1]
                scores = torch.log_softmax(model(torch.tensor([window])).logits[0].double(), -1)
                target = torch.tensor(window[1:])
                total -= scores[torch.arange(len(target)), target].sum().item()
                count += len(target)
        return total / count

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
        out = json.loads(self.lqlora("--json", "-", "data", "preview", model, "--data", data, "--seq-len", 4096, "--count", 3))
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

    def tuned(self, rng, model, start, text, ids):
        """Fine-tuned from where the try is; PEFT has to see the same."""
        out = self.work / "tuned"
        data = self.work / "tune.txt"
        data.write_text(some_text(rng, 60))
        train = [w for w in ("norms", "embeddings", "head") if rng.random() < 0.3]
        self.lqlora("finetune", model, *start, "--data", data, "--seq-len", 48, "--max-steps", 2, "--lr", 0.01,
                    *(["--rank", 3] if not start else []), *(["--train", ",".join(train)] if train else []), "-o", out)
        theirs = self.oracle(PeftModel.from_pretrained(load(model), out).eval(), ids)
        self.same(f"fine-tuned {'from an adapter' if start else 'anew'}", self.loss(model, text, "--adapter", out), theirs)

    def exported(self, rng, model, adapter, text, ids):
        """Quantized, and the adapter merged into what is left; transformers has to see the same."""
        packed, out = self.work / "packed", self.work / "exported"
        self.lqlora("quantize", model, "--bits", 4, "--rank", 2, "-o", packed)
        start = ["--adapter", adapter] if adapter else []
        merge = rng.random() < 0.6
        ours = self.loss(packed, text, *start)
        self.lqlora("export", packed, *start, "--format", "hf", "--dtype", "f32", *([] if merge else ["--keep-adapter"]), "-o", out)
        theirs = load(out) if merge else PeftModel.from_pretrained(load(out), out / "adapter").eval()
        self.same("exported, merged" if merge else "exported, adapter kept", ours, self.oracle(theirs, ids))

    def one(self, seed):
        rng = random.Random(seed)
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        for name in ("model", "adapter", "tuned", "packed", "exported"):
            shutil.rmtree(self.work / name, ignore_errors=True)
        model, adapter = self.work / "model", self.work / "adapter"
        model.mkdir()
        family, config, section = write_model(rng, generator, model, self.tokenizer, self.vocabulary)
        tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        body = some_text(rng, 60)
        ids = tokenizer.encode(body, add_special_tokens=False).ids
        # A text of whole windows: transformers' dynamic rope keeps the longest length it has seen.
        if section["rope_type"] == "dynamic":
            ids = ids[: LENGTH - 1]
            body = tokenizer.decode(ids)
            if tokenizer.encode(body, add_special_tokens=False).ids != ids:
                return
        text = self.work / "text.txt"
        text.write_text(body)
        self.counts[family] += 1
        self.same("model", self.loss(model, text), self.oracle(load(model), ids))
        self.conversations(rng, model)
        start = []
        if rng.random() < 0.9:
            drawn = draw_adapter(rng, config)
            try:
                peft = get_peft_model(load(model), drawn)
            except (TypeError, ValueError) as e:  # a draw that PEFT itself has no adapter for
                raise Refused(f"[PEFT] {e}") from e
            randomize([(n, p) for n, p in peft.named_parameters() if p.requires_grad], generator, 0.2)
            peft.save_pretrained(adapter)
            theirs = self.oracle(PeftModel.from_pretrained(load(model), adapter).eval(), ids)
            if rng.random() < 0.2:
                as_state_dict(adapter)
            start = ["--adapter", adapter]
            self.same("adapter", self.loss(model, text, *start), theirs)
        if seed % 3 == 0:
            self.tuned(rng, model, start, text, ids)
        if seed % 4 == 1 and config.hidden_size >= 16:
            self.exported(rng, model, adapter if start and not self.names_base(adapter) else None, text, ids)

    @staticmethod
    def names_base(adapter):
        """It holds a base layer, which after quantizing is another."""
        return any("base_layer.weight" in name for name in load_file(adapter / "adapter_model.safetensors"))

    def run(self, seed, seconds, tries, keep):
        begin = time.monotonic()
        different = tried = 0
        while (tries == 0 or tried < tries) and (tries != 0 or time.monotonic() - begin < seconds):
            try:
                self.one(seed)
            except Refused as e:
                text = str(e).replace(str(self.work), "")
                self.refusals[text[text.find("]") + 1 :][:160]] += 1
            except AssertionError as e:
                different += 1
                print(f"DIFFERENT, seed {seed}: {e}", flush=True)
                if keep:
                    for name in ("model", "adapter", "tuned", "packed", "exported"):
                        if (self.work / name).exists():
                            shutil.copytree(self.work / name, keep / str(seed) / name, dirs_exist_ok=True)
                    shutil.copy(self.work / "text.txt", keep / str(seed))
            seed += 1
            tried += 1
            if tried % 100 == 0:
                print(f"... {tried} tried, {different} different, {time.monotonic() - begin:.0f} s", flush=True)
        print(f"{tried} tried in {time.monotonic() - begin:.0f} s, {different} different")
        print("compared: " + ", ".join(f"{what} {n}" for what, n in sorted(self.counts.items())))
        for text, n in self.refusals.most_common():
            print(f"refused {n} times: {text}")
        return different


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("lqlora")
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--tries", type=int, default=0)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--keep", type=Path)
    a = p.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        sys.exit(Differential(a.lqlora, Path(work)).run(a.seed, a.seconds, a.tries, a.keep) > 0)


if __name__ == "__main__":
    main()
