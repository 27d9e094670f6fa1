"""Random adapters, as PEFT makes them."""

import json

from peft import LoraConfig
from safetensors.torch import load_file, save_file

def draw_adapter(rng, drawn):
    linears, table, norm = drawn.linears, drawn.embedding, drawn.last_norm
    targets = rng.sample(linears, rng.randrange(1, len(linears) + 1))
    extra = [t for t in ("lm_head", table) if rng.random() < 0.25]
    whole = [m for m in ("lm_head", table, norm) if m not in extra and rng.random() < 0.15]
    settings = dict(r=rng.randrange(1, 6), lora_alpha=rng.randrange(1, 12), target_modules=targets + extra,
                    use_rslora=rng.random() < 0.3, use_dora=rng.random() < 0.35,
                    bias=rng.choice(["none"] * 3 + ["lora_only", "all"]), modules_to_save=whole or None,
                    lora_dropout=rng.choice([0.0, 0.1]), init_lora_weights=rng.choice([True, "gaussian"]))
    ranks = [r"layers\.0\.mlp\.up_proj", "^model.layers.0.self_attn.v_proj", r"h\.0\.mlp\.c_proj"]
    if rng.random() < 0.4:
        settings["rank_pattern"] = {rng.choice(ranks + [linears[0], "lm_head", table]): rng.randrange(1, 5)}
    if rng.random() < 0.4:
        settings["alpha_pattern"] = {rng.choice([linears[-1], "mlp.down_proj", linears[1], table, "lm_head"]): rng.randrange(1, 9)}
    if drawn.images:
        settings.update(exclude_modules=".*vision_tower.*", modules_to_save=None)
        settings["bias"] = settings["bias"].replace("all", "lora_only")
    elif rng.random() < 0.2:
        settings["layers_to_transform"] = [0]
        settings["target_modules"] = targets  # PEFT asks for a layer's number in every name
    if drawn.config.tie_word_embeddings and rng.random() < 0.2:
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
