#!/bin/sh
# GPTQ on quill, to set beside the table "Methods on quill" of docs/results.md: groups of 64 columns, no low-rank
# part, evenly spaced and NormalFloat codes. usage: bench/gptq_table.sh path/to/lqlora WORK_DIRECTORY TEXT...
set -eu
. "$(dirname "$0")/quill_rows.sh"

for bits in 3 4; do
  for codebook in int nf; do
    quantized --method gptq --nf "$bits" --format "$codebook" --stats "$work/stats.safetensors"
    printf 'gptq %-4s %s bits' "$codebook" "$(number "$work/q.json" bits_per_weight)"
    measured
  done
done
