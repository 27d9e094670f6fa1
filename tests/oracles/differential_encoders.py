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
import transformers as hf  # noqa: E402
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

hf.utils.logging.disable_progress_bar()

WORDS = ("the lamp of a tower stood over grey water and she counted every step twice before morning came; naïve façade 42 %d {x} "
         "<b> ünï 😀 don't it's 3.14 -7 Ω 東京 ﬁn e\u0301").split(" ")
KINDS = {"bert": hf.BertConfig, "roberta": hf.RobertaConfig, "xlm-roberta": hf.XLMRobertaConfig, "distilbert": hf.DistilBertConfig}
CLASS = {"bert": "Bert", "roberta": "Roberta", "xlm-roberta": "XLMRoberta", "distilbert": "DistilBert"}
BODY = {"bert": "bert.", "roberta": "roberta.", "xlm-roberta": "roberta.", "distilbert": "distilbert."}
HEADS = {"bare": "Model", "masked": "ForMaskedLM", "classes": "ForSequenceClassification"}
LINEARS = {"bert": ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense", "dense"],
           "distilbert": ["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"]}
POSITIONS = 40


def some_text(rng, words):
    return "".join(rng.choice(WORDS) + rng.choice([" "] * 8 + [", ", "  ", ". "]) for _ in range(words)).strip()


# --- tokenizers ---

def make_tokenizers(folder):
    """The files of one tokenizer a kind: {kind: (folder, specials)}."""
    rng = random.Random(1)
    texts = [some_text(rng, 300) for _ in range(20)]
    word = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    word.normalizer = normalizers.BertNormalizer(lowercase=True)
    word.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    word.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    word.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=200, special_tokens=specials, show_progress=False))
    word.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    out = {}
    named = dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
    hf.PreTrainedTokenizerFast(tokenizer_object=word, **named).save_pretrained(folder / "bert")
    out["bert"] = [folder / "bert", specials]
    files = folder / "bert_files"
    files.mkdir()
    by_id = sorted(word.get_vocab().items(), key=lambda item: item[1])
    (files / "vocab.txt").write_text("".join(token + "\n" for token, _ in by_id))
    (files / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}))
    out["bert_files"] = [files, specials]

    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    bytes_ = Tokenizer(models.BPE())
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    bytes_.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=330, special_tokens=specials, show_progress=False,
                                                          initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    bytes_.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    named = dict(bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>", cls_token="<s>", sep_token="</s>", mask_token="<mask>")
    hf.PreTrainedTokenizerFast(tokenizer_object=bytes_, **named).save_pretrained(folder / "roberta")
    out["roberta"] = [folder / "roberta", specials]

    pieces = Tokenizer(models.Unigram())
    pieces.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" {2,}", " ")])
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    pieces.decoder = decoders.Metaspace()
    pieces.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=180, special_tokens=specials, unk_token="<unk>", show_progress=False))
    pieces.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
                                                          special_tokens=[("<s>", 0), ("</s>", 2)])
    hf.PreTrainedTokenizerFast(tokenizer_object=pieces, **named).save_pretrained(folder / "xlm-roberta")
    out["xlm-roberta"] = [folder / "xlm-roberta", specials]
    return out


def load_tokenizer(folder):
    if (folder / "tokenizer.json").exists():
        return hf.PreTrainedTokenizerFast.from_pretrained(folder)
    return hf.BertTokenizer.from_pretrained(folder)


# --- models ---

def draw_config(rng, kind, head, vocabulary):
    heads = rng.choice([1, 2, 4])
    width = heads * rng.choice([4, 6, 8, 12])
    layers = rng.choice([1, 2, 3])
    inner = rng.choice([12, 30, 44])
    activation = rng.choice(["gelu"] * 4 + ["relu", "silu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python", "quick_gelu"])
    settings = dict(vocab_size=vocabulary + rng.choice([0, 0, 3]), max_position_embeddings=POSITIONS, tie_word_embeddings=rng.random() < 0.7)
    if kind == "distilbert":
        settings.update(dim=width, n_layers=layers, n_heads=heads, hidden_dim=inner, activation=activation,
                        sinusoidal_pos_embds=rng.random() < 0.3, seq_classif_dropout=rng.choice([0.1, 0.2]))
    else:
        settings.update(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=inner, hidden_act=activation,
                        layer_norm_eps=rng.choice([1e-12, 1e-5, 1e-3]), type_vocab_size=rng.choice([1, 2] if kind != "bert" else [2, 2, 3]),
                        classifier_dropout=rng.choice([None, 0.3]))
    if rng.random() < 0.3:
        settings["chunk_size_feed_forward"] = 1
    settings["pad_token_id"] = {"bert": 0, "distilbert": 0}.get(kind, rng.choice([1, 1, 0, 3]))
    if head == "classes":
        labels = rng.choice([1, 2, 3])
        names = rng.choice([["LABEL_0", "LABEL_1", "LABEL_2"], ["contradiction", "entailment", "neutral"], ["0", "1", "2"]])[:labels]
        if labels == 2 and rng.random() < 0.4:
            names = rng.choice([["not_entailment", "entailment"], ["1", "0"]])
        settings.update(id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)})
        settings["problem_type"] = rng.choice([None, None, "regression" if labels == 1 else "single_label_classification"])
    return KINDS[kind](**settings)


def randomize(named, generator, spread):
    with torch.no_grad():
        for name, p in named:
            noise = torch.randn(p.shape, generator=generator)
            if ("norm" in name.lower() and name.endswith("weight")) or "magnitude" in name:
                p.mul_(1 + 0.3 * noise.to(p.dtype))
            else:
                p.add_((spread * noise).to(p.dtype))


def rename(rng, folder, kind, head, counts):
    """Tensor names as older checkpoints have them."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    if kind == "bert" and rng.random() < 0.2:
        counts["names: gamma and beta"] += 1
        swap = lambda n: n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        tensors = {swap(n): t for n, t in tensors.items()}
    bare = not any(n.startswith(BODY[kind]) for n in tensors)
    if rng.random() < 0.2:
        counts["names: body"] += 1
        if bare:
            tensors = {BODY[kind] + n: t for n, t in tensors.items()}
        else:
            tensors = {n.removeprefix(BODY[kind]): t for n, t in tensors.items()}
    if rng.random() < 0.2:
        prefix = "" if bare else BODY[kind]
        tensors[prefix + "embeddings.position_ids"] = torch.arange(POSITIONS).unsqueeze(0)
    save_file({n: t.contiguous().clone() for n, t in tensors.items()}, file, metadata={"format": "pt"})


class Draw:
    """A model in a folder."""

    def __init__(self, rng, generator, folder, tokenizers, counts):
        self.folder = folder
        self.kind = rng.choice(list(KINDS))
        self.head = rng.choice(["bare", "masked", "classes", "classes"])
        files = {"bert": rng.choice(["bert", "bert", "bert_files"]), "distilbert": "bert"}.get(self.kind, self.kind)
        source, self.specials = tokenizers[files]
        self.tokenizer = load_tokenizer(source)
        self.config = draw_config(rng, self.kind, self.head, len(self.tokenizer))
        self.model_class = getattr(hf, CLASS[self.kind] + HEADS[self.head])
        more = {"add_pooling_layer": rng.random() < 0.5} if self.head == "bare" and self.kind != "distilbert" else {}
        model = self.model_class(self.config, **more)
        randomize(model.named_parameters(), generator, 0.25)
        model.to(rng.choice([torch.float32] * 3 + [torch.bfloat16, torch.float16, torch.float64])).save_pretrained(folder)
        rename(rng, folder, self.kind, self.head, counts)
        for file in source.iterdir():
            shutil.copy(file, folder)
        path = folder / "config.json"
        if rng.random() < 0.3:  # as transformers 4 wrote it
            saved = json.loads(path.read_text())
            saved["torch_dtype"] = saved.pop("dtype")
            if self.kind != "distilbert":
                saved["position_embedding_type"] = "absolute"
            path.write_text(json.dumps(saved, indent=1))
        longest = POSITIONS - (self.config.pad_token_id + 1 if "roberta" in self.kind else 0)
        self.longest = longest
        counts[self.kind] += 1
        counts[self.head] += 1

    def load(self, folder=None, **more):
        return self.model_class.from_pretrained(folder or self.folder, dtype=torch.float32, attn_implementation="eager", **more).eval()

    def inputs(self, request):
        # As lists: a single empty second text is none to the library.
        second = None if request["second"] is None else [request["second"]]
        e = self.tokenizer([request["first"]], second, truncation=True, max_length=request["most"], return_tensors="pt",
                           return_token_type_ids=True)
        inputs = {"input_ids": e["input_ids"], "attention_mask": torch.ones_like(e["input_ids"])}
        if self.kind == "bert":
            inputs["token_type_ids"] = e["token_type_ids"]
        return inputs

    def outputs(self, model, request):
        inputs = self.inputs(request)
        with torch.no_grad():
            out = model(**inputs)
        values = out.last_hidden_state if self.head == "bare" and "logits" not in out else out.logits
        return inputs["input_ids"][0].tolist(), (values[0] if values.dim() == 3 else values).double()


def draw_request(rng, draw):
    def text():
        kind = rng.random()
        if kind < 0.08:
            return ""
        body = some_text(rng, rng.choice([1, 3, 8, 8, 60]))
        if kind < 0.3:
            body = f"{body} {rng.choice(draw.specials)} {some_text(rng, 2)}{rng.choice(draw.specials)}"
        return body

    return {"first": text(), "second": text() if rng.random() < 0.5 else None, "most": rng.choice([8, 16, draw.longest, draw.longest])}


# --- adapters ---

def draw_adapter(rng, draw):
    family = "distilbert" if draw.kind == "distilbert" else "bert"
    targets = rng.sample(LINEARS[family], rng.randrange(1, len(LINEARS[family])))
    settings = dict(r=rng.randrange(1, 6), lora_alpha=rng.randrange(1, 12), target_modules=targets, use_rslora=rng.random() < 0.3,
                    use_dora=rng.random() < 0.35, bias=rng.choice(["none"] * 3 + ["lora_only", "all"]), lora_dropout=rng.choice([0.0, 0.1]))
    if rng.random() < 0.15:
        settings["target_modules"] = targets + ["word_embeddings"]
    if rng.random() < 0.3:
        settings["rank_pattern"] = {rng.choice(["query", "q_lin", r"layer\.0\.output\.dense", "dense"]): rng.randrange(1, 5)}
    if rng.random() < 0.3:
        settings["alpha_pattern"] = {rng.choice(["value", "v_lin", "intermediate.dense"]): rng.randrange(1, 9)}
    if rng.random() < 0.2:
        settings["layers_to_transform"] = [0]
    whole = []
    if draw.head == "classes":
        settings["task_type"] = "SEQ_CLS"
        if draw.kind == "bert" and rng.random() < 0.3:
            whole.append("pooler")
        if draw.kind == "distilbert" and rng.random() < 0.5:
            whole.append("pre_classifier")
        if rng.random() < 0.5:
            whole.append("classifier")
    if rng.random() < 0.15:
        whole.append("LayerNorm" if draw.kind != "distilbert" else "sa_layer_norm")
    return LoraConfig(modules_to_save=whole or None, **settings)


# --- tasks ---

# name: folder, columns of the training file (None: no header), of the test file, texts' columns, label's column, names by number
NLI = ["entailment", "neutral", "contradiction"]
MNLI = "index promptID pairID genre p1 p2 p3 p4 sentence1 sentence2".split()
STSB = "index genre filename year old_index source1 source2 sentence1 sentence2".split()
TASKS = {
    "cola": ("CoLA", None, ["index", "sentence"], [3], 1, ["0", "1"]),
    "sst2": ("SST-2", ["sentence", "label"], ["index", "sentence"], ["sentence"], "label", ["0", "1"]),
    "mrpc": ("MRPC", ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"], ["index", "#1 ID", "#2 ID", "#1 String", "#2 String"],
             ["#1 String", "#2 String"], "Quality", ["0", "1"]),
    "stsb": ("STS-B", [*STSB, "score"], STSB, ["sentence1", "sentence2"], "score", None),
    "qqp": ("QQP", ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"], ["id", "question1", "question2"], ["question1", "question2"],
            "is_duplicate", ["0", "1"]),
    "mnli": ("MNLI", [*MNLI, "label1", "gold_label"], MNLI, ["sentence1", "sentence2"], "gold_label", NLI),
    "qnli": ("QNLI", ["index", "question", "sentence", "label"], ["index", "question", "sentence"], ["question", "sentence"], "label",
             ["entailment", "not_entailment"]),
    "rte": ("RTE", ["index", "sentence1", "sentence2", "label"], ["index", "sentence1", "sentence2"], ["sentence1", "sentence2"], "label",
            ["entailment", "not_entailment"]),
    "wnli": ("WNLI", ["index", "sentence1", "sentence2", "label"], ["index", "sentence1", "sentence2"], ["sentence1", "sentence2"], "label", ["0", "1"]),
}


class Task:
    """Made-up files of a task in the benchmark's layout: self.sets[split] = [(first, second or None, label)]."""

    def __init__(self, rng, glue, outputs, longest_words):
        fitting = [n for n, t in TASKS.items() if (len(t[5]) if t[5] else 1) == outputs]
        self.name = rng.choice(fitting)
        title, train, test, texts, label, self.names = TASKS[self.name]
        self.title = {"mnli": "MNLI-m"}.get(self.name, title)
        folder = glue / title
        folder.mkdir(parents=True)
        self.sets = {}
        for split, rows in (("train", 8), ("dev", 9), ("test", 5)):
            columns = test if split == "test" else train
            lines = [] if columns is None else ["\t".join(columns)]
            examples = []
            for i in range(rows):
                parts = [some_text(rng, rng.choice([1, 4, 9, longest_words])) + rng.choice(["", "", '"', " ''quoted''"]) for _ in texts]
                value = (f"{rng.choice([0, 5, 2.5, rng.randrange(501) / 100])}" if self.names is None else self.names[(i + rng.randrange(2)) % len(self.names) if i > 2 else i % len(self.names)])
                if columns is None:
                    row = {0: "gj04", 1: value, 2: rng.choice(["", "*"]), 3: parts[0]}
                else:
                    row = {c: f"{c}{i}" for c in columns} | {"index": str(i)} | dict(zip(["sentence"] if texts == [3] else texts, parts)) | {label: value}
                lines.append("\t".join(row[c] for c in (columns or range(4))))
                number = float(value) if self.names is None else float(self.names.index(value))
                examples.append((parts[0], parts[1] if len(parts) > 1 else None, number))
            name = {"mnli": {"dev": "dev_matched", "test": "test_matched"}}.get(self.name, {}).get(split, split)
            end = rng.choice(["\n", "\n", "\r\n"])
            (folder / f"{name}.tsv").write_bytes((end.join(lines) + rng.choice(["", end])).encode())
            self.sets[split] = examples

    def outputs_of(self, config):
        """The number of the classifier's output for each label."""
        if self.names is None:
            return [0]
        known = [str(config.id2label[i]).lower() for i in range(len(config.id2label))]
        return [known.index(n) for n in self.names] if sorted(known) == sorted(self.names) else list(range(len(self.names)))


# --- comparing ---

class Refused(Exception):
    pass


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
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", input=text)
        if done.returncode == 0:
            return done.stdout
        said = (done.stderr.strip().splitlines() or ["?"])[-1]
        if done.returncode < 0 or "internal" in said.lower():
            raise AssertionError(f"{command[0]} {command[1]} died ({done.returncode}): {said}")
        raise Refused(said)

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
        begin = time.monotonic()
        different = tried = 0
        while (tries == 0 or tried < tries) and (tries != 0 or time.monotonic() - begin < seconds):
            try:
                self.one(seed)
            except Refused as e:
                text = str(e).replace(str(self.work), "")
                self.refusals[text[text.find("]") + 1 :][:200]] += 1
            except AssertionError as e:
                different += 1
                print(f"DIFFERENT, seed {seed}: {e}", flush=True)
                if keep:
                    for name in ("model", "adapter", "tuned", "packed", "exported", "glue"):
                        if (self.work / name).exists():
                            shutil.copytree(self.work / name, keep / str(seed) / name, dirs_exist_ok=True)
            seed += 1
            tried += 1
        print(f"{tried} tried in {time.monotonic() - begin:.0f} s, {different} different")
        print("compared: " + ", ".join(f"{what} {n}" for what, n in sorted(self.counts.items())))
        for text, n in self.refusals.most_common():
            print(f"refused {n} times: {text}")
        return different


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
