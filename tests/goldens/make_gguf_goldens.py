#!/usr/bin/env python3
# requirements: gguf==0.19.0 torch==2.13.0 transformers==5.24.0 tokenizers safetensors numpy
"""Tiny GGUF files made with gguf-py, and what others make of them, as oracles for formats/gguf.

usage: make_gguf_goldens.py [OUT]     (OUT defaults to this script's folder / gguf)

OUT/NAME/model.gguf is the golden model NAME of this folder (make_goldens.py); OUT/NAME/golden.safetensors holds
input_ids and the logits that transformers computes from the GGUF file. Matrices whose rows are whole blocks take turns
through ggml's types. Before that each model is written in F32, and transformers must make the original of it again:
so the order of rows and the names written here are right. llama_rope_llama3 is written in F32 only, for transformers
does not read rope_freqs.weight: its logits are those of the original.
The other families' models (KIND_MODELS) are in F32: their logits are those that transformers computes from the
directory, some keys of whose config.json are changed to what the kind has. Names are gguf-py's own table's.
OUT/TOKENIZER.gguf has no tensors; OUT/tokenizers.json has texts and the ids that `tokenizers` gives.
"""
import json
import os
import pathlib
import shutil
import sys
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"
import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
KINDS = {"LlamaForCausalLM": "llama", "Qwen2ForCausalLM": "qwen2", "Qwen3ForCausalLM": "qwen3"}
NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
         "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
BLOCK_TYPES = [T.Q8_0, T.Q4_0, T.Q5_1, T.F16, T.Q4_1, T.Q5_0, T.BF16, T.F32]


def gguf_name(name):
    module, kind = name.rsplit(".", 1)
    if not module.startswith("model.layers."):
        return {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}[module] + "." + kind
    number, rest = module[len("model.layers."):].split(".", 1)
    return f"blk.{number}.{NAMES[rest]}.{kind}"


def llama_order(w, heads):
    """Rows j and j + half of a head become rows 2j and 2j + 1."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(w.shape)


def rope_factors(config, rope, head_dim):
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    factor, original = rope["factor"], rope["original_max_position_embeddings"]
    out = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * np.pi * rope["rope_theta"] ** (i / head_dim)
        smooth = (original / wavelength - low) / (high - low)
        out.append(1.0 if wavelength < original / high else factor if wavelength > original / low
                   else 1 / ((1 - smooth) / factor + smooth))
    return np.array(out, dtype=np.float32)


def write_model(folder, path, types):
    config = json.loads((folder / "config.json").read_text())
    kind = KINDS[config["architectures"][0]]
    weights = {k: v.numpy() for k, v in load_file(folder / "model.safetensors").items()}
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    rope = config.get("rope_parameters") or {"rope_theta": config["rope_theta"], **config["rope_scaling"]}
    out = gguf.GGUFWriter(path, kind)
    out.add_block_count(config["num_hidden_layers"])
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(config["hidden_size"])
    out.add_feed_forward_length(config["intermediate_size"])
    out.add_head_count(heads)
    out.add_head_count_kv(kv)
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    out.add_rope_freq_base(rope["rope_theta"])
    out.add_vocab_size(config["vocab_size"])
    if kind == "llama":
        out.add_rope_dimension_count(head_dim)
    out.add_key_length(head_dim)
    out.add_value_length(head_dim)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    if rope["rope_type"] == "llama3":
        out.add_tensor("rope_freqs.weight", rope_factors(config, rope, head_dim))
    turn = 0
    for name, w in weights.items():
        if kind == "llama" and ".q_proj." in name:
            w = llama_order(w, heads)
        if kind == "llama" and ".k_proj." in name:
            w = llama_order(w, kv)
        raw = T.F32
        if w.ndim == 2 and types:
            raw = types[turn % len(types)] if w.shape[1] % 32 == 0 else T.F16
            turn += 1
        data = w if raw == T.F32 else gguf.quants.quantize(w, raw)
        out.add_tensor(gguf_name(name), np.ascontiguousarray(data), raw_dtype=None if raw == T.F32 else raw)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def logits_of(model, ids):
    with torch.no_grad():
        return model(ids).logits.float().contiguous()


def load_gguf(path):
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32,
                                                attn_implementation="eager").eval()


def load_weights(path, folder):
    """The model of folder's config.json with a GGUF file's weights, for transformers takes Qwen3's head_dim as 128."""
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), attn_implementation="eager").eval()
    stored = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).reshape(t.shape[::-1].tolist())
              for t in gguf.GGUFReader(path).tensors}
    model.load_state_dict({k: torch.from_numpy(stored[gguf_name(k)].copy()) for k in model.state_dict()})
    return model


def without_windows(folder, copy):
    """The model with attention to everything before: GGUF has no key for Qwen3's windows."""
    config = json.loads((folder / "config.json").read_text())
    config["use_sliding_window"], config["sliding_window"] = False, None
    config.pop("layer_types", None)
    copy.mkdir()
    (copy / "config.json").write_text(json.dumps(config))
    shutil.copy(folder / "model.safetensors", copy)
    return copy


def make_model(name, out):
    folder = HERE / name
    (out / name).mkdir(parents=True, exist_ok=True)
    path = out / name / "model.gguf"
    golden = load_file(folder / "golden.safetensors")
    ids = golden["input_ids"]
    original = golden["logits"]
    if name == "llama_rope_llama3":
        write_model(folder, path, [])
        save_file({"input_ids": ids, "logits": original}, out / name / "golden.safetensors")
        return
    with tempfile.TemporaryDirectory() as temp:
        plain = pathlib.Path(temp) / "plain.gguf"
        load = load_gguf
        if name == "qwen3":
            load = lambda file: load_weights(file, folder)
            folder = without_windows(folder, pathlib.Path(temp) / name)
            original = logits_of(AutoModelForCausalLM.from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager").eval(), ids)
        write_model(folder, plain, [])
        difference = (logits_of(load(plain), ids) - original).abs().max()
        assert difference < 1e-5 * original.abs().max(), (name, difference)
        write_model(folder, path, BLOCK_TYPES)
        save_file({"input_ids": ids, "logits": logits_of(load(path), ids)}, out / name / "golden.safetensors")


# Golden model: kind, and what is changed in config.json. smollm3 gets a fourth layer, for every fourth does not turn.
KIND_MODELS = {
    "gemma2": ("gemma2", {"query_pre_attn_scalar": 8}),
    "gemma3": ("gemma3", {"query_pre_attn_scalar": 8}),
    "phi3": ("phi3", {}),
    "phi3_long": ("phi3", {}),
    "olmo2": ("olmo2", {}),
    "granite": ("granite", {}),
    "smollm3": ("smollm3", {"num_hidden_layers": 4, "no_rope_layers": [1, 1, 1, 0], "use_sliding_window": False,
                            "sliding_window": None, "layer_types": ["full_attention"] * 4, "mlp_bias": False}),
    "mixtral": ("llama", {"sliding_window": None}),
    "qwen3_moe": ("qwen3moe", {"norm_topk_prob": True, "num_hidden_layers": 1, "mlp_only_layers": []}),
    "gpt2": ("gpt2", {"scale_attn_by_inverse_layer_idx": False}),
}


def stacks_of(weights):
    """Experts that stand one by one as [experts, rows, cols], under the name of the first."""
    out, stacks = {}, {}
    for name, w in weights.items():
        before, mark, rest = name.partition(".experts.")
        if mark and rest[0].isdigit():
            number, part = rest.split(".", 1)
            stacks.setdefault(f"{before}.experts.{part}", {})[int(number)] = w
        elif mark and rest == "gate_up_proj":
            half = w.shape[1] // 2
            out[f"{before}.experts.gate_proj.weight"], out[f"{before}.experts.up_proj.weight"] = w[:, :half], w[:, half:]
        elif mark:
            out[f"{name}.weight"] = w
        else:
            out[name] = w
    return out | {name: np.stack([parts[e] for e in sorted(parts)]) for name, parts in stacks.items()}


def kind_folder(name, changes, copy):
    """The golden model's directory with changes to config.json."""
    shutil.copytree(HERE / name, copy)
    config = json.loads((copy / "config.json").read_text()) | changes
    layers = changes.get("num_hidden_layers")
    weights = load_file(copy / "model.safetensors")
    if name == "smollm3":
        weights = {k: w for k, w in weights.items() if ".mlp." not in k or not k.endswith(".bias")}
        for key in [k for k in weights if ".layers.0." in k]:
            weights[key.replace(".layers.0.", ".layers.3.")] = weights[key.replace(".0.", ".1.", 1)].flip(0).contiguous()
    elif layers:
        weights = {k: w for k, w in weights.items() if ".layers." not in k or int(k.split(".")[2]) < layers}
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    (copy / "config.json").write_text(json.dumps(config))
    return config


def kind_keys(out, kind, config):
    def get(*names):
        return next((config[n] for n in names if config.get(n) is not None), None)

    heads, hidden = get("num_attention_heads", "n_head"), get("hidden_size", "n_embd")
    head_dim = get("head_dim") or hidden // heads
    rope = config.get("rope_parameters") or {}
    rope_all = rope.get("full_attention", rope)
    out.add_block_count(get("num_hidden_layers", "n_layer"))
    out.add_context_length(get("max_position_embeddings", "n_positions"))
    out.add_embedding_length(hidden)
    out.add_feed_forward_length(get("intermediate_size", "n_inner"))
    out.add_head_count(heads)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    if kind == "gpt2":
        out.add_layer_norm_eps(config["layer_norm_epsilon"])
        return
    out.add_head_count_kv(config["num_key_value_heads"])
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    out.add_rope_freq_base(rope_all["rope_theta"])
    out.add_rope_dimension_count(int(head_dim * rope.get("partial_rotary_factor", 1)))
    if get("head_dim"):
        out.add_key_length(head_dim)
        out.add_value_length(head_dim)
    if kind.startswith("gemma"):
        out.add_sliding_window(config["sliding_window"])
        out.add_final_logit_softcapping(config["final_logit_softcapping"])
        if kind == "gemma2":
            out.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        else:
            out.add_sliding_window_pattern([t == "sliding_attention" for t in config["layer_types"]])
            out.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            out.add_rope_scaling_factor(rope_all["factor"])
            out.add_rope_freq_base_swa(rope["sliding_attention"]["rope_theta"])
    if kind == "phi3":
        original = config["original_max_position_embeddings"]
        out.add_sliding_window(config["sliding_window"] or 0)
        out.add_rope_scaling_orig_ctx_len(original)
        scale = config["max_position_embeddings"] / original
        out.add_rope_scaling_attn_factors(float(np.sqrt(1 + np.log(scale) / np.log(original))))
        for part in ("long", "short"):
            out.add_tensor(f"rope_factors_{part}.weight", np.array(rope[f"{part}_factor"], dtype=np.float32))
    if kind == "granite":
        out.add_attention_scale(config["attention_multiplier"])
        out.add_embedding_scale(config["embedding_multiplier"])
        out.add_residual_scale(config["residual_multiplier"])
        out.add_logit_scale(config["logits_scaling"])
    if experts := get("num_local_experts", "num_experts"):
        out.add_expert_count(experts)
        out.add_expert_used_count(config["num_experts_per_tok"])
    if kind == "qwen3moe":
        out.add_expert_feed_forward_length(config["moe_intermediate_size"])


def make_kind_model(name, out):
    kind, changes = KIND_MODELS[name]
    (out / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temp:
        folder = pathlib.Path(temp) / name
        config = kind_folder(name, changes, folder)
        ids = load_file(HERE / name / "golden.safetensors")["input_ids"]
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        save_file({"input_ids": ids, "logits": logits_of(model, ids)}, out / name / "golden.safetensors")
        weights = stacks_of({k: v.numpy() for k, v in load_file(folder / "model.safetensors").items()})
    arch = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == kind)
    names = gguf.get_tensor_name_map(arch, config.get("num_hidden_layers", config.get("n_layer")))
    writer = gguf.GGUFWriter(out / name / "model.gguf", kind)
    kind_keys(writer, kind, config)
    for key, w in weights.items():
        if kind in ("llama", "granite", "smollm3") and (".q_proj." in key or ".k_proj." in key):
            w = llama_order(w, config["num_attention_heads" if ".q_proj." in key else "num_key_value_heads"])
        if kind.startswith("gemma") and key.endswith("norm.weight"):
            w = w + 1
        if kind == "gpt2" and key.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")):
            w = w.T
        stored = names.get_name(key, try_suffixes=(".weight", ".bias"))
        assert stored, key
        writer.add_tensor(stored, np.ascontiguousarray(w))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_vocabulary(path, model, pre, tokens, types, merges=None, scores=None, specials=()):
    out = gguf.GGUFWriter(path, "llama")
    out.add_tokenizer_model(model)
    if pre:
        out.add_tokenizer_pre(pre)
    out.add_token_list(tokens)
    out.add_token_types(types)
    if merges is not None:
        out.add_token_merges(merges)
    if scores is not None:
        out.add_token_scores(scores)
    for name, value in specials:
        getattr(out, "add_" + name)(value)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.close()


def read_sentencepiece(data):
    """(text, score, type) of the pieces of a tokenizer.model, field 1 of the protobuf; the normalizer's fields."""
    def fields(data):
        at = 0
        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value
        while at < len(data):
            tag = varint()
            if tag & 7 == 0:
                yield tag >> 3, varint()
            else:
                size = varint() if tag & 7 == 2 else {1: 8, 5: 4}[tag & 7]
                yield tag >> 3, data[at:at + size]
                at += size
    pieces, normalizer = [], {}
    for field, value in fields(data):
        if field == 3:
            normalizer = dict(fields(value))
        if field == 1:
            piece = dict(fields(value))
            pieces.append((piece[1].decode(), float(np.frombuffer(piece[2], "<f4")[0]), piece.get(3, 1)))
    return pieces, normalizer


def make_tokenizers(out):
    goldens = HERE / "tokenizers"
    cases = json.loads((goldens / "cases.json").read_text())
    texts = [t["text"] for t in next(c for c in cases if c["name"] == "bpe_llama3")["texts"] if "text" in t]
    texts += ["<|endoftext|>a<|endoftext|>", "1234567 12 3", "don't DON'T", "a!?$+~b 2+2=4 ^_^"]
    made = []

    def expect(name, tokenizer):
        made.append({"file": f"{name}.gguf",
                     "texts": [{"text": t, "ids": tokenizer.encode(t, add_special_tokens=False).ids,
                                "special": tokenizer.encode(t, add_special_tokens=True).ids} for t in texts]})

    source = json.loads((goldens / "bpe_llama3" / "tokenizer.json").read_text())
    vocab = source["model"]["vocab"]
    tokens = sorted(vocab, key=vocab.get)
    merges = [m if isinstance(m, str) else " ".join(m) for m in source["model"]["merges"]]
    types = [3 if t == "<|endoftext|>" else 1 for t in tokens]
    ids = [("bos_token_id", 0), ("eos_token_id", 0)]
    base = dict(tokens=tokens, types=types, merges=merges, specials=ids)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}

    def variant(normalizer, pre, ignore_merges, bos):
        v = json.loads(json.dumps(source))
        v["normalizer"], v["model"]["ignore_merges"] = normalizer, ignore_merges
        if pre is not None:
            v["pre_tokenizer"] = pre
        if not bos:
            v["post_processor"] = None
        return Tokenizer.from_str(json.dumps(v))

    write_vocabulary(out / "llama_bpe.gguf", "gpt2", "llama-bpe", **base)
    expect("llama_bpe", variant(None, None, True, True))
    write_vocabulary(out / "gpt2.gguf", "gpt2", "gpt-2", **base)
    expect("gpt2", variant(None, byte_level, False, False))
    write_vocabulary(out / "smollm.gguf", "gpt2", "smollm", **base)
    digits = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]}
    expect("smollm", variant(None, digits, False, False))
    qwen = json.loads(json.dumps(source["pre_tokenizer"]))
    qwen["pretokenizers"][0]["pattern"]["Regex"] = qwen["pretokenizers"][0]["pattern"]["Regex"].replace(
        r"\p{N}{1,3}", r"\p{N}")
    write_vocabulary(out / "qwen2.gguf", "gpt2", "qwen2",
                     **(base | {"specials": ids + [("add_bos_token", True)]}))
    expect("qwen2", variant({"type": "NFC"}, qwen, False, True))

    pieces, normalizer = read_sentencepiece((goldens / "sp_bpe" / "tokenizer.model").read_bytes())
    kind = {name: [i for i, p in enumerate(pieces) if p[0] == name] for name in ("<s>", "</s>", "<unk>")}
    specials = [(f"{key}_token_id", kind[name][0]) for key, name in (("bos", "<s>"), ("eos", "</s>"), ("unk", "<unk>"))
                if kind[name]]
    specials += [("add_space_prefix", bool(normalizer.get(3, 1))), ("precompiled_charsmap", bytes(normalizer[2])),
                 ("remove_extra_whitespaces", bool(normalizer.get(4, 1)))]
    write_vocabulary(out / "sentencepiece.gguf", "llama", "default", [p[0] for p in pieces], [p[2] for p in pieces],
                     scores=[p[1] for p in pieces], specials=specials)
    sp = next(c for c in cases if c["name"] == "sp_bpe")
    # The marks of special tokens are plain text to a bare SentencePiece model, and tokens to a GGUF file.
    made.append({"file": "sentencepiece.gguf",
                 "texts": [{k: t[k] for k in ("text", "ids", "special")} for t in sp["texts"] if "<" not in t.get("text", "<")]})
    (out / "tokenizers.json").write_text(json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    torch.set_num_threads(1)
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "gguf"
    out.mkdir(parents=True, exist_ok=True)
    for name in ("llama", "qwen2", "qwen3", "llama_rope_llama3"):
        make_model(name, out)
    for name in KIND_MODELS:
        make_kind_model(name, out)
    make_tokenizers(out)


if __name__ == "__main__":
    main()
