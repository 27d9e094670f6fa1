#!/bin/sh
# The table "Methods after fine-tuning" of docs/results.md.
# usage: bench/compare_quill.sh path/to/lqlora TEXT WORK_DIRECTORY
# TEXT: at least 900 kB of another style than quill's books; its first 800 kB are trained on, its last 40 kB measured, and the 40 kB
# before these choose the learning rates.
set -eu
lqlora=$(realpath "$1")
text=$2
mkdir -p "$3"
COMPARE_TEXTS=$(cd "$3" && pwd)
export COMPARE_TEXTS
root=$(cd "$(dirname "$0")/.." && pwd)
head -c 800000 "$text" >"$COMPARE_TEXTS/train.txt"
tail -c 80000 "$text" | head -c 40000 >"$COMPARE_TEXTS/validation.txt"
tail -c 40000 "$text" >"$COMPARE_TEXTS/held_out.txt"
exec "$lqlora" compare "$root/bench/compare_quill.toml" -o "$COMPARE_TEXTS/out"
