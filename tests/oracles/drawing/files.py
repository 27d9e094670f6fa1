"""A drawn model as the files that one might find: types, names, shards, stacks, config.json of transformers 5 or 4."""

import json
import shutil

import torch
from drawing.oracle import OracleRefused
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, Gemma3Config, Gemma3ForConditionalGeneration, SiglipVisionConfig

SHARD = 20_000  # bytes; small models have several


def randomize(named, generator, spread):
    with torch.no_grad():
        for name, p in named:
            noise = torch.randn(p.shape, generator=generator)
            norm = "norm.weight" in name or "norm.modules_to_save" in name or "magnitude" in name
            if norm and p.any():
                p.mul_(1 + 0.3 * noise.to(p.dtype))
            else:  # of Gemma's norms too, which are 1 + w
                p.add_((spread * noise).to(p.dtype))


def wrapped(config):
    """The language model within a model with images."""
    vision = SiglipVisionConfig(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=28,
                                patch_size=14)
    return Gemma3ForConditionalGeneration(Gemma3Config(text_config=config, vision_config=vision, mm_tokens_per_image=4,
                                                       tie_word_embeddings=config.tie_word_embeddings))


def read(folder):
    tensors = {}
    for file in sorted(folder.glob("model*.safetensors")):
        tensors.update(load_file(file))
    return tensors


def write(folder, tensors, shards):
    for file in folder.glob("model*"):
        file.unlink()
    if not shards:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    groups, size = [{}], 0
    for name, t in tensors.items():
        if size + t.nbytes > SHARD and groups[-1]:
            groups.append({})
            size = 0
        groups[-1][name] = t
        size += t.nbytes
    where = {}
    for i, group in enumerate(groups):
        file = f"model-{i + 1:05}-of-{len(groups):05}.safetensors"
        save_file(group, folder / file, metadata={"format": "pt"})
        where.update(dict.fromkeys(group, file))
    index = {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def renamed(rng, tensors, drawn, images):
    """Names as other ways of saving left them."""
    if images:
        how = rng.choice(["", "old", "older"])
        if not how:
            return tensors
        # "old": what transformers 4.50 wrote; "older": the head within the language model.
        names = {"model.language_model.": "language_model.model.", "model.vision_tower.": "vision_tower.",
                 "model.multi_modal_projector.": "multi_modal_projector.", "lm_head.": "language_model.lm_head."}
        known = {}
        for name, t in tensors.items():
            for begin, instead in names.items():
                if name.startswith(begin):
                    name = instead + name[len(begin):]
                    break
            known[name] = t
        return known
    body = "transformer." if drawn.family == "gpt2" else "model."
    if rng.random() < 0.15:
        return {name.removeprefix(body): t for name, t in tensors.items()}
    return tensors


def with_head(rng, tensors, drawn, images):
    """A tied model whose file has the head too, the same or (as nobody means it) another."""
    table = next((n for n in tensors if n.endswith(drawn.embedding + ".weight")), None)
    if not drawn.config.tie_word_embeddings or table is None or rng.random() < 0.6:
        return
    head = "language_model.lm_head.weight" if images and table.startswith("language_model.") else "lm_head.weight"
    tensors[head] = tensors[table].clone()
    if rng.random() < 0.3:
        tensors[head] += 0.1


def to_version_4(saved, drawn, rng):
    """config.json as transformers 4 wrote it."""
    rope = saved.pop("rope_parameters", None)
    saved["torch_dtype"] = saved.pop("dtype", "float32")
    if rope is None:
        return
    if drawn.family == "gemma3":
        far, near = rope["full_attention"], rope["sliding_attention"]
        saved["rope_theta"], saved["rope_local_base_freq"] = far["rope_theta"], near["rope_theta"]
        rest = {k: v for k, v in far.items() if k != "rope_theta"}
    else:
        rest = {k: v for k, v in drawn.rope.items() if k not in ("rope_theta", "partial_rotary_factor")}
        saved["rope_theta"] = drawn.rope["rope_theta"]
        if "partial_rotary_factor" in drawn.rope:
            saved["partial_rotary_factor"] = drawn.rope["partial_rotary_factor"]
    if rng.random() < 0.5:
        rest["type"] = rest.pop("rope_type")
        if rest["type"] == "longrope" and rng.random() < 0.5:
            rest["type"] = "su"
    kind = rest.get("rope_type", rest.get("type"))
    saved["rope_scaling"] = None if kind == "default" else rest


def write_model(rng, generator, folder, tokenizer, drawn):
    """Writes it; says how, in words, for the reports."""
    # The class with images does not apply a cap of the logits, and the program refuses to choose.
    images = drawn.images = drawn.family == "gemma3" and rng.random() < 0.35
    if images and rng.random() < 0.9:
        drawn.config.final_logit_softcapping = None
    dtype = rng.choice([torch.float32, torch.float32, torch.bfloat16, torch.float16])
    try:
        model = wrapped(drawn.config) if images else AutoModelForCausalLM.from_config(drawn.config, dtype=torch.float32)
    except (KeyError, TypeError, ValueError) as e:
        raise OracleRefused(f"{type(e).__name__}: {e}") from e
    randomize(model.named_parameters(), generator, 0.25)
    model.to(dtype).save_pretrained(folder)
    stacks = drawn.experts and rng.random() < 0.5
    if stacks:
        shared = drawn.config.tie_word_embeddings
        tensors = {n: t.contiguous() for n, t in model.state_dict().items() if not (shared and n == "lm_head.weight")}
    else:
        tensors = read(folder)
    tensors = renamed(rng, tensors, drawn, images)
    with_head(rng, tensors, drawn, images)
    mixed = rng.random() < 0.15
    if mixed:
        tensors = {n: t.float() if rng.random() < 0.5 else t for n, t in tensors.items()}
    shards = rng.random() < 0.3
    write(folder, tensors, shards)
    for file in tokenizer.iterdir():
        shutil.copy(file, folder)
    path = folder / "config.json"
    whole = json.loads(path.read_text())
    saved = whole["text_config"] if images else whole
    near = drawn.rope.get("sliding_attention", {}).get("rope_type", "default")
    old = rng.random() < 0.4 and near == "default"
    if old:
        to_version_4(saved, drawn, rng)
    path.write_text(json.dumps(whole, indent=1))
    return ", ".join([str(dtype)[6:]] + [word for word, on in (("images", images), ("stacks", stacks), ("mixed types", mixed),
                                                               ("shards", shards), ("version 4", old)) if on])
