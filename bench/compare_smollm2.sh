#!/bin/sh
# The table "Methods after fine-tuning" of docs/results.md, for a real model.
# usage: bench/compare_smollm2.sh path/to/lqlora MODEL_DIRECTORY STATS TEXT.jsonl WORK_DIRECTORY
# STATS: what calibrate made of MODEL. TEXT: at least 300 documents, one a line; its last 20 are measured, the 20 before
# them choose the learning rates, and the rest is trained on.
set -eu
lqlora=$(realpath "$1")
MODEL=$(realpath "$2")
STATS=$(realpath "$3")
text=$4
mkdir -p "$5"
COMPARE_TEXTS=$(cd "$5" && pwd)
export MODEL STATS COMPARE_TEXTS
root=$(cd "$(dirname "$0")/.." && pwd)
head -n -40 "$text" >"$COMPARE_TEXTS/train.jsonl"
tail -n 40 "$text" | head -n 20 >"$COMPARE_TEXTS/validation.jsonl"
tail -n 20 "$text" >"$COMPARE_TEXTS/held_out.jsonl"
exec "$lqlora" compare "$root/bench/compare_smollm2.toml" -o "$COMPARE_TEXTS/out"
