#!/usr/bin/env python3
"""Write src/quant/ggml/iq_grids.inc: the grids of ggml's IQ types, as gguf-py (pip install gguf) has them.

Each point is one number of 16 bits: eight digits of 2 bits, or four of 4, the lowest first. The digits are the
indices of the values that quant/ggml/iq_grids.h names; the order of the points is the format's.

usage: make_iq_grids.py > src/quant/ggml/iq_grids.inc
"""
import numpy as np
from gguf import quants

GRIDS = [("kIq2Xxs", quants.IQ2_XXS), ("kIq2Xs", quants.IQ2_XS), ("kIq2S", quants.IQ2_S),
         ("kIq1", quants.IQ1_S), ("kIq3Xxs", quants.IQ3_XXS), ("kIq3S", quants.IQ3_S)]


def main():
    print("// Written by tools/make_iq_grids.py: see iq_grids.h.")
    for name, cls in GRIDS:
        cls.init_grid()
        grid = np.asarray(cls.grid, dtype=np.float32).reshape(cls.grid_shape)
        values = np.array(cls.grid_map, dtype=np.float32)
        digits = np.searchsorted(values, grid)
        assert (values[digits] == grid).all()
        bits = 16 // grid.shape[1]
        points = (digits << (bits * np.arange(grid.shape[1]))).sum(axis=1)
        print(f"constexpr std::uint16_t {name}[{len(points)}] = {{")
        for i in range(0, len(points), 13):
            print("    " + " ".join(f"0x{p:04x}," for p in points[i:i + 13]))
        print("};")


if __name__ == "__main__":
    main()
