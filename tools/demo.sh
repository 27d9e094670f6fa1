#!/bin/sh
# The product on its example model: quantize at 3 bits with and without a low-rank part, compare, export.
# usage: tools/demo.sh path/to/lqlora
set -eu
lqlora=$1
cd "$(dirname "$0")/.."
model=examples/models/quill
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

say() { printf '\n== %s\n' "$*"; }

say "quill as it is: 6.5 M weights in bf16"
"$lqlora" inspect $model --json "$out/dense.json" | sed -n 1,8p

say "plain NF3: every linear of the blocks in 3.127 bits"
"$lqlora" quantize $model --nf 3 --method qlora -o "$out/nf3" --json "$out/nf3.json" | tail -n 2

say "LQ: the same bits, and a low-rank part of rank 8 fitted with them"
"$lqlora" quantize $model --nf 3 --rank 8 -o "$out/lq" --json "$out/lq.json"

say "both as ordinary Hugging Face directories"
"$lqlora" export "$out/nf3" --format hf -o "$out/nf3-hf"
"$lqlora" export "$out/lq" --format hf -o "$out/lq-hf"

say "relative error of all matrices: ||W - W'|| / ||W||"
for run in nf3 lq; do
  python3 - "$out/$run.json" $run <<'PY'
import json, sys

report = json.load(open(sys.argv[1]))
print(f"{sys.argv[2]:>4}: {report['relative_error']:.4f} at {report['bits_per_weight']:.3f} bits per weight"
      f" ({report['bits_per_weight_with_low_rank']:.3f} with the low-rank part)")
PY
done
