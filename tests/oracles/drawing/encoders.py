"""Small encoders at random: tokenizers' files, models as transformers 4 or 5 and old checkpoints write them, texts, adapters."""

import json
import random
import shutil

import torch
import transformers as hf
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

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
