#!/bin/sh
# The table "Methods on quill" of docs/results.md: method x bits -> perplexity and KL on each text.
# usage: bench/budget_table.sh path/to/lqlora WORK_DIRECTORY TEXT...
set -eu
. "$(dirname "$0")/quill_rows.sh"
stats="--stats $work/stats.safetensors"

# row NAME TABLE BITS FLAGS...: allocates from the table, quantizes, measures on every text
row() {
  name=$1 table=$2 bits=$3
  shift 3
  run allocate "$work/$table.json.gz" --bits "$bits" -o "$work/allocation.json" >/dev/null
  quantized --allocation "$work/allocation.json" "$@"
  printf '%-18s %-5s' "$name" "$bits"
  measured
}

sweep() {
  out=$work/$1.json.gz
  shift
  # shellcheck disable=SC2086
  [ -f "$out" ] || run sweep "$model" --configs lean "$@" -o "$out"
}
sweep qlora --method qlora
sweep fisher --rank 8 --importance fisher --format nf --scales absmax $stats
sweep kfac --rank 8 --importance kfac --format nf $stats
sweep lm --rank 8 --importance kfac $stats
sweep input --rank 8 --importance input $stats
sweep none --rank 8
for bits in 2.25 2.5 2.75 3.0; do
  row qlora qlora $bits --method qlora
  row lq-fisher fisher $bits --rank 8 --importance fisher --format nf --scales absmax $stats
  row kfac kfac $bits --rank 8 --importance kfac --format nf --no-feedback --scales absmax $stats
  row kfac+fb kfac $bits --rank 8 --importance kfac --format nf $stats
  row kfac+fb+search kfac $bits --rank 8 --importance kfac --format nf --scales search $stats
  row kfac+lm lm $bits --rank 8 --importance kfac --format lm --no-feedback --scales absmax $stats
  row kfac+lm+fb lm $bits --rank 8 --importance kfac --format lm $stats
  row kfac+lm+fb+search lm $bits --rank 8 --importance kfac --format lm --scales search $stats
  row input+lm+fb input $bits --rank 8 --importance input --format lm $stats
  row none+lm+search none $bits --rank 8 --format lm --scales search
done
