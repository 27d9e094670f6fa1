#!/bin/sh
# The rank as a choice (--rank auto), on quill: kfac, Lloyd-Max, feedback, factors in bf16, 18 configurations of 2 to 4
# bits. For each budget of codes: rank 8 everywhere, then ranks chosen and rank 0 at as many bits in all.
# usage: bench/rank_table.sh path/to/lqlora WORK_DIRECTORY TEXT...
set -eu
. "$(dirname "$0")/quill_rows.sh"

configs=
for bits in 2 3 4; do
  for scale_bits in 4 8; do
    for block in 16 32 64; do configs="$configs $bits,$scale_bits,fp32,$block,256"; done
  done
done
# Words of $configs are arguments.
# shellcheck disable=SC2086
set -- --importance kfac --stats "$work/stats.safetensors" --factors bf16 --format lm --feedback --configs $configs
ranks=0,1,2,4,8,16

# A table without feedback serves sweeps of every rank.
[ -f "$work/ranks.json.gz" ] || run sweep "$model" --rank $ranks "$@" -o "$work/ranks.json.gz" >/dev/null

# row NAME FLAGS...
row() {
  name=$1
  shift
  quantized "$@"
  printf '%-8s %s bits' "$name" "$(number "$work/q.json" bits_per_weight_with_low_rank)"
  measured
}

for bits in 2.25 2.5 3; do
  row 'rank 8' "$@" --rank 8 --bits "$bits"
  total=$(number "$work/q.json" bits_per_weight_with_low_rank)
  row auto "$@" --rank $ranks --bits "$total" --table "$work/ranks.json.gz"
  row 'rank 0' "$@" --rank 0 --bits "$total"
done
