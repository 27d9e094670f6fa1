"""Random rotary embeddings, as transformers 5 writes them (`rope_parameters`)."""

KINDS = ["default", "default", "default", "linear", "dynamic", "llama3", "yarn"]


def scaled(rng, kind, theta):
    """One section and the max_position_embeddings that goes with it."""
    section = {"rope_type": kind, "rope_theta": theta}
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
            section["beta_slow"] = 2.0
        if rng.random() < 0.3:
            section["truncate"] = False
        if rng.random() < 0.2:
            section["mscale"] = rng.choice([0.7, 1.0])
            if rng.random() < 0.7:
                section["mscale_all_dim"] = rng.choice([0.5, 1.0])
    return section, positions


def rope(rng, kinds=KINDS, thetas=(10000.0, 500000.0, 1e6)):
    return scaled(rng, rng.choice(kinds), rng.choice(thetas))


def longrope(rng, head_dim):
    """Phi-3's: a share of each head turns, by one set of factors or by another past the trained length."""
    share = rng.choice([1.0, 1.0, 0.75, 0.5])
    if int(head_dim * share) % 2 or int(head_dim * share) < 2:
        share = 1.0
    section = {"rope_type": "default", "rope_theta": rng.choice([10000.0, 500000.0])}
    if share != 1.0:
        section["partial_rotary_factor"] = share
    original = 128
    if rng.random() < 0.5:
        half = int(head_dim * share) // 2
        original = rng.choice([32, 64, 128])
        section.update(rope_type="longrope", short_factor=[round(rng.uniform(1, 2), 2) for _ in range(half)],
                       long_factor=[round(rng.uniform(1, 30), 2) for _ in range(half)])
        if rng.random() < 0.3:
            section["factor"] = rng.choice([2.0, 8.0])
        if rng.random() < 0.3:
            section["attention_factor"] = rng.choice([1.0, 1.3])
    return section, original


def by_layer_type(rng):
    """Gemma 3's: one section for layers with a window, one for those without."""
    far, positions = rope(rng, ["default", "default", "linear", "linear"], (1e6, 10000.0))
    near, _ = rope(rng, ["default"] * 4 + ["linear"], (10000.0, 5000.0))
    return {"full_attention": far, "sliding_attention": near}, positions
