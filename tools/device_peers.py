#!/usr/bin/env python3
"""Peers of bench_device on the same card: a QLoRA step at Llama-2-7B's shape by transformers, PEFT and bitsandbytes
where they are installed, else by PyTorch alone (frozen bf16 weights, adapters of rank 64, blocks recomputed). Two depths
are timed, and 32 layers follow from the difference. Prints "ROW | VALUE" lines."""
import sys
import time

HIDDEN, INNER, HEADS, VOCAB, RANK, LAYERS = 4096, 11008, 32, 32000, 64, 32
BATCHES = [(4, 1024), (1, 1024), (16, 512)]
DEPTHS = (2, 4)


def plain_model(torch, layers):
    nn, functional = torch.nn, torch.nn.functional

    class Linear(nn.Module):
        def __init__(self, rows, cols):
            super().__init__()
            self.w = nn.Parameter(torch.randn(rows, cols, dtype=torch.bfloat16, device="cuda") * 0.02, requires_grad=False)
            self.a = nn.Parameter(torch.randn(RANK, cols, dtype=torch.bfloat16, device="cuda") * 0.02)
            self.b = nn.Parameter(torch.zeros(rows, RANK, dtype=torch.bfloat16, device="cuda"))

        def forward(self, x):
            return functional.linear(x, self.w) + functional.linear(functional.linear(x, self.a), self.b)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.o = (Linear(HIDDEN, HIDDEN) for _ in range(4))
            self.gate, self.up, self.down = Linear(INNER, HIDDEN), Linear(INNER, HIDDEN), Linear(HIDDEN, INNER)

        def forward(self, x):
            n, t, _ = x.shape
            y = functional.rms_norm(x, (HIDDEN,))
            q, k, v = (f(y).view(n, t, HEADS, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
            a = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.o(a.transpose(1, 2).reshape(n, t, HIDDEN))
            y = functional.rms_norm(x, (HIDDEN,))
            return x + self.down(functional.silu(self.gate(y)) * self.up(y))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.randn(VOCAB, HIDDEN, dtype=torch.bfloat16, device="cuda") * 0.02
            self.blocks = nn.ModuleList(Block() for _ in range(layers))

        def forward(self, ids):
            from torch.utils.checkpoint import checkpoint
            x = self.table[ids].requires_grad_()
            for block in self.blocks:
                x = checkpoint(block, x, use_reentrant=False)
            logits = functional.linear(functional.rms_norm(x, (HIDDEN,)), self.table)
            return functional.cross_entropy(logits[:, :-1].reshape(-1, VOCAB).float(), ids[:, 1:].reshape(-1))

    return Model(), "PyTorch alone, bf16 base"


def qlora_model(torch, layers):
    import bitsandbytes as bnb
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=layers,
                         num_attention_heads=HEADS, vocab_size=VOCAB, max_position_embeddings=4096)
    with torch.device("cuda"):  # random numbers are made there, in a moment
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    # As transformers replaces them when it loads a checkpoint in 4 bits, without a checkpoint.
    for block in model.model.layers:
        for parent in (block.self_attn, block.mlp):
            for name, linear in list(parent.named_children()):
                if type(linear) is not torch.nn.Linear:
                    continue
                four = bnb.nn.Linear4bit(linear.in_features, linear.out_features, bias=False,
                                         compute_dtype=torch.bfloat16, quant_type="nf4")
                four.weight = bnb.nn.Params4bit(linear.weight.data, requires_grad=False, quant_type="nf4",
                                                compress_statistics=True)
                setattr(parent, name, four.to("cuda"))
    model.is_loaded_in_4bit = True  # by this PEFT knows them
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=RANK, target_modules=targets, lora_dropout=0.0))

    class Loss(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, ids):
            with torch.autocast("cuda", torch.bfloat16):
                return self.inner(input_ids=ids, labels=ids).loss

    return Loss(), "transformers, PEFT, bitsandbytes NF4"


def time_step(torch, make, layers, rows, length):
    model, name = make(torch, layers)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=1e-4, fused=True)
    ids = torch.randint(0, VOCAB, (rows, length), device="cuda")
    torch.cuda.reset_peak_memory_stats()
    seconds = 0.0
    for i in range(5):
        torch.cuda.synchronize()
        begin = time.monotonic()
        loss = model(ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.synchronize()
        if i >= 2:
            seconds += (time.monotonic() - begin) / 3
    gib = torch.cuda.max_memory_allocated() / 2**30
    del model, optimizer, learning
    torch.cuda.empty_cache()
    return seconds, gib, name


def main():
    try:
        import torch
    except ImportError:
        print("peers | not run: Python has no torch")
        return 0
    if not torch.cuda.is_available():
        print("peers | not run: torch finds no CUDA device")
        return 0
    makers = [plain_model]
    try:
        import bitsandbytes  # noqa: F401
        import peft  # noqa: F401
        import transformers  # noqa: F401
        makers.insert(0, qlora_model)
    except ImportError:
        pass
    failures = 0
    for make in makers:
        for rows, length in BATCHES:
            try:
                half, half_gib, _ = time_step(torch, make, DEPTHS[0], rows, length)
                whole, gib, name = time_step(torch, make, DEPTHS[1], rows, length)
            except Exception as e:  # another version of a package: the others' rows still count
                print(f"{make.__name__} {rows} x {length} | not run: {type(e).__name__}: {str(e).splitlines()[0]}", flush=True)
                failures += 1
                continue
            steps = DEPTHS[1] - DEPTHS[0]
            all_layers = whole + (whole - half) / steps * (LAYERS - DEPTHS[1])
            memory = gib + (gib - half_gib) / steps * (LAYERS - DEPTHS[1])
            print(f"peer: {name}, r 64, {rows} x {length} | {rows * length / all_layers:.0f} tokens/s "
                  f"({all_layers * 1e3:.1f} ms; {memory:.1f} GiB)", flush=True)
    return 1 if failures == len(BATCHES) * len(makers) else 0


if __name__ == "__main__":
    sys.exit(main())
