#!/usr/bin/env python3
"""A .cu file as C++ for kernel.h: launches become calls, the tensor cores' instruction a function.
usage: translate.py FROM.cu TO.cc"""
import os
import re
import sys


def launches(text):
    """name<arguments><<<grid, block, ...>>>(...): the parentheses that follow stay as they are."""
    pattern = re.compile(r"((?:[A-Za-z_]\w*::)*[A-Za-z_]\w*(?:<[^<>;(){}]*>)?)\s*<<<(.*?)>>>", re.S)
    return pattern.sub(
        lambda m: f"cuda_on_cpu::bind(cuda_on_cpu::Config({m[2]}), [](const auto&... a) {{ {m[1]}(a...); }})", text)


def tensor_products(text):
    def call(m):
        sums = re.findall(r'"\+f"\(([^()]*)\)', m[0])
        words = re.findall(r'"r"\(([^()]*)\)', m[0])
        if len(sums) != 4 or len(words) != 6:
            raise SystemExit(f"an instruction with {len(sums)} sums and {len(words)} operands")
        return ("{ float* const lq_d[4] = {" + ", ".join("&" + s for s in sums) + "}; const std::uint32_t lq_a[4] = {"
                + ", ".join(words[:4]) + "}; const std::uint32_t lq_b[2] = {" + ", ".join(words[4:])
                + "}; cuda_on_cpu::mma_m16n8k16(lq_d, lq_a, lq_b); }")
    return re.sub(r'asm(?: volatile)?\(\s*"mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.f16\.f16\.f32.*?\);', call, text,
                  flags=re.S)


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        text = tensor_products(launches(file.read()))
    if "<<<" in text or "asm(" in text:
        raise SystemExit(f"{source}: something is left that only nvcc compiles")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8") as file:
        file.write("#pragma once\n" if target.endswith(".h") else "#define __CUDA_ARCH__ 900\n")
        file.write(f'#include "include/kernel.h"\n#line 1 "{source}"\n{text}')


if __name__ == "__main__":
    main()
