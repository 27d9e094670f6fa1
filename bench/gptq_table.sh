#!/bin/sh
# The GPTQ rows of the table "Bits and methods on quill" of docs/results.md: groups of 128 columns, no low-rank
# part, evenly spaced and NormalFloat codes. usage: bench/gptq_table.sh path/to/lqlora WORK_DIRECTORY TEXT...
set -eu
lqlora=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
model=$root/examples/models/quill
mkdir -p "$2"
work=$(cd "$2" && pwd)
shift 2
run() { "$lqlora" --quiet "$@"; }
number() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),\{0,1\}$/\1/p" "$1" | head -n 1; }

[ -f "$work/stats.safetensors" ] ||
  run calibrate "$model" --data "$root/examples/texts/calibration.txt" -o "$work/stats.safetensors"
for bits in 3 4; do
  for codebook in int nf; do
    rm -rf "$work/out"
    run --json "$work/q.json" quantize "$model" --method gptq --nf "$bits" --codebook "$codebook" \
      --stats "$work/stats.safetensors" -o "$work/out" >/dev/null
    printf 'gptq %-4s %s bits' "$codebook" "$(number "$work/q.json" bits_per_weight)"
    for text in "$@"; do
      run --json "$work/e.json" eval "$work/out" --tasks perplexity --data "$text" --reference "$model" >/dev/null
      printf ' %9.3f %8.5f' "$(number "$work/e.json" perplexity)" "$(number "$work/e.json" kl)"
    done
    printf ' %6.1f s\n' "$(number "$work/q.json" seconds)"
  done
done
