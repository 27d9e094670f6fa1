#!/bin/sh
# Builds two commits and compares what they write: packed models, statistics, error tables, adapters, texts. Then the
# time of four commands, new over old, nine rounds in turn.
# usage: tools/same_bytes.sh OLD NEW [WORK]     OLD, NEW: commits, or folders that hold a built lqlora
# SPEED=0 leaves the timing out. What may differ is listed in tools/compare_outputs.py.
set -eu
cd "$(dirname "$0")/.."
top=$(pwd)
old=$1 new=$2
work=$(mkdir -p "${3:-/tmp/same_bytes}" && realpath "${3:-/tmp/same_bytes}")

program() { # COMMIT_OR_FOLDER NAME: prints the path of the program, built if need be
  if [ -x "$1/lqlora" ]; then
    realpath "$1/lqlora"
    return
  fi
  tree=$work/$2
  [ -d "$tree" ] || git worktree add --detach -f "$tree" "$1" >&2
  git -C "$tree" checkout -q "$1"
  make -C "$tree" build >&2
  echo "$tree/build/lqlora"
}

old_program=$(program "$old" old-tree)
new_program=$(program "$new" new-tree)
quill=$top/examples/models/quill
stories=$top/../shared/data/models/stories260K/hf
text=$top/examples/texts/calibration.txt
log=$top/examples/texts/harbour_log.txt

# Where a default was changed on purpose since (docs/results.md, "Bits on a real model": what a budget takes by itself, feedback in a
# sweep), the old one is asked for in words, of both programs. Everything reads the old program's statistics, as a user's
# of before would be read. Feedback within the decomposition and GPTQ's groups were mended since; they are not compared.
before="--codebook lm --scales absmax --no-feedback"
configs="--configs 2,8,fp32,64,256 2,4,fp16,32,64 3,8,fp32,64,256 3,4,bf16,32,64 4,8,fp32,64,256 8,8,fp32,64,256"
outputs() { # PROGRAM FOLDER: everything that is compared
  run="$1 --quiet --threads 2 --seed 7"
  out=$2
  rm -rf "$out"
  mkdir -p "$out/text"
  stats="--stats $work/old/stats.safetensors"
  some="--include *layers.0.*_proj*"
  set -f # these hold globs for lqlora
  $run quantize "$quill" --nf 3 --rank 8 -o "$out/nf3" >/dev/null
  $run calibrate "$quill" --data "$text" --samples 24 --seq-len 256 -o "$out/stats.safetensors" >/dev/null
  # shellcheck disable=SC2086
  {
    $run quantize "$quill" --bits 2.5 --rank 8 --weights kfac $before $configs $stats -o "$out/mixed" >/dev/null
    $run quantize "$quill" --bits 3 --rank auto --weights kfac $before $configs $stats $some -o "$out/rank-auto" >/dev/null
    $run quantize "$quill" --nf 3 --method loftq --rank 8 $some -o "$out/loftq" >/dev/null
    $run sweep "$quill" --rank 8 $configs --weights kfac $before $stats $some -o "$out/kfac-table.json" >/dev/null
    $run sweep "$quill" --rank 4 $configs --weights none --codebook nf --scales absmax --include '*layers.3.*_proj*' \
      -o "$out/table.json.gz" >/dev/null
  }
  set +f
  $run allocate "$out/table.json.gz" --bits 2.6 -o "$out/allocation.json" >/dev/null
  tune="--data $log --seq-len 128 --batch-size 2 --max-steps 40 --lr 2e-3"
  # shellcheck disable=SC2086
  $run finetune "$quill" $tune --rank 4 --dropout 0.1 --train norms -o "$out/lora-dense" >/dev/null
  # shellcheck disable=SC2086
  $run finetune "$out/nf3" $tune -o "$out/lora-packed" >/dev/null
  # shellcheck disable=SC2086
  $run finetune "$out/nf3" $tune --init beside --rank 4 --matmul-precision f32 -o "$out/lora-stacked" >/dev/null
  $run export "$out/mixed" --format hf -o "$out/hf" >/dev/null
  $run export "$out/nf3" --format peft -o "$out/peft" >/dev/null 2>&1 || echo "no peft export" >"$out/text/peft"
  for model in "$quill" "$out/nf3" "$out/mixed" "$out/loftq"; do
    $run generate "$model" --prompt "It was a cold evening, and" --max-tokens 48 >"$out/text/$(basename "$model")"
    $run --json - eval "$model" --tasks perplexity --data "$top/examples/texts/held_out.txt" |
      grep -v -E 'seconds|peak|convention' >"$out/text/$(basename "$model").perplexity"
  done
  $run generate "$quill" --adapter "$out/lora-dense" --prompt "Wind" --max-tokens 48 >"$out/text/adapter"
  if [ -d "$stories" ]; then
    $run generate "$stories" --prompt "Once upon a time" --max-tokens 120 >"$out/text/stories260K"
    $run quantize "$stories" --nf 3 --rank 4 -o "$out/stories-nf3" >/dev/null
  fi
}

# REUSE_OLD=1: what the old program wrote in an earlier run still stands in WORK.
[ "${REUSE_OLD:-0}" = 1 ] && [ -e "$work/old.whole" ] || { outputs "$old_program" "$work/old" && touch "$work/old.whole"; }
outputs "$new_program" "$work/new"
python3 tools/compare_outputs.py "$work/old" "$work/new" && same=0 || same=1

[ "${SPEED:-1}" = 0 ] && exit $same

seconds() { # COMMAND...
  begin=$(date +%s.%N)
  "$@" >/dev/null 2>&1
  end=$(date +%s.%N)
  echo "$begin $end" | awk '{ printf "%.3f\n", $2 - $1 }'
}
timed() { # PROGRAM STAGE
  case $2 in
    quantize) rm -rf "$work/t" && seconds "$1" --quiet quantize "$quill" --nf 3 --rank 64 --iterations 20 -o "$work/t" ;;
    step) rm -rf "$work/t" && seconds "$1" --quiet finetune "$work/old/nf3" --data "$log" --seq-len 512 --batch-size 2 \
      --max-steps 20 -o "$work/t" ;;
    prompt) seconds "$1" --quiet eval "$work/old/nf3" --tasks perplexity --data "$text" ;;
    decode) seconds "$1" --quiet generate "$work/old/nf3" --prompt "It was" --max-tokens 900 --ignore-eos ;;
  esac
}
echo "seconds, old and new in turn, and the median of new speed over old speed"
for stage in quantize step prompt decode; do
  ratios=""
  for round in 1 2 3 4 5 6 7 8 9; do
    a=$(timed "$old_program" $stage)
    b=$(timed "$new_program" $stage)
    echo "$stage $round: $a $b"
    ratios="$ratios $(echo "$a $b" | awk '{ printf "%.3f", $1 / $2 }')"
  done
  # shellcheck disable=SC2086
  printf '%s: %s\n' "$stage" "$(printf '%s\n' $ratios | sort -n | sed -n 5p)"
done
exit $same
