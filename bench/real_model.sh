#!/bin/sh
# The table "Bits and methods on a real model" of docs/results.md: setting -> stored bits a weight, and perplexity
# and KL to the dense model on each text.
# usage: bench/real_model.sh MODEL_DIRECTORY TEXT...
# By environment:
#   LQLORA   the program (build/lqlora)
#   WORK     where results, statistics and tables are kept (real_model.work)
#   DATA     text to calibrate on; rows that need it are left out where it is not given
#   SAMPLES  windows of 512 tokens to calibrate on (100)
#   CONFIGS  configurations that mixes are made of (ten; "lean" for all good ones)
#   ROWS     names of the rows to make (all)
# A row whose result lies in WORK is printed again and not made again: kill it and run the same command, or name one
# row in ROWS. Packed models are removed when they are measured, unless KEEP is set.
set -eu
model=$1
shift
lqlora=${LQLORA:-build/lqlora}
work=${WORK:-real_model.work}
data=${DATA:-}
configs=${CONFIGS:-2,4,fp16,64,64 2,4,fp16,32,64 2,4,fp16,16,64 3,3,fp16,64,64 3,4,fp16,64,64 3,4,fp16,32,64 3,4,fp16,16,64 4,4,fp16,64,64 4,4,fp16,32,64 8,4,fp16,64,64}
rows=${ROWS:-}
mkdir -p "$work/rows"

run() { "$lqlora" --quiet "$@"; }
number() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),\{0,1\}$/\1/p" "$1" | head -n 1; }
has_data() { [ -n "$data" ] || [ -f "$work/stats.safetensors" ]; }
wanted() {
  [ -n "$rows" ] || return 0
  for r in $rows; do [ "$r" = "$1" ] && return 0; done
  return 1
}
stats() {
  [ -f "$work/stats.safetensors" ] ||
    "$lqlora" calibrate "$model" --data "$data" --samples "${SAMPLES:-100}" -o "$work/stats.safetensors" >/dev/null
}
# table NAME FLAGS...: the error table $work/NAME.json.gz, made once
table() {
  out=$work/$1.json.gz
  shift
  # shellcheck disable=SC2086
  [ -f "$out" ] || run sweep "$model" --configs $configs "$@" -o "$out" >/dev/null
}
# row NAME FLAGS...: quantizes and measures
row() {
  name=$1
  shift
  wanted "$name" || return 0
  result=$work/rows/$name
  if [ ! -f "$result" ]; then
    rm -rf "$work/packed.$name"
    run --json "$work/q.$name.json" quantize "$model" "$@" -o "$work/packed.$name" >/dev/null
    {
      printf '| %s | %s | %s' "$name" "$(number "$work/q.$name.json" bits_per_weight)" \
        "$(number "$work/q.$name.json" bits_per_weight_with_low_rank)"
      for text in $texts; do
        run --json "$work/e.$name.json" eval "$work/packed.$name" --tasks perplexity --data "$text" \
          --reference "$model" >/dev/null
        printf ' | %.2f | %.4f' "$(number "$work/e.$name.json" perplexity)" "$(number "$work/e.$name.json" kl)"
      done
      printf ' |\n'
    } >"$result.part"
    mv "$result.part" "$result"
    [ -n "${KEEP:-}" ] || rm -rf "$work/packed.$name"
  fi
  cat "$result"
}
# mixed NAME TABLE BITS FLAGS...: the same under a budget, from the error table of that name, made by these FLAGS
mixed() {
  name=$1 from=$2 bits=$3
  shift 3
  wanted "$name" || return 0
  if [ ! -f "$work/rows/$name" ]; then
    # shellcheck disable=SC2086
    table "$from" "$@"
    run allocate "$work/$from.json.gz" --bits "$bits" -o "$work/allocation.$name" >/dev/null
  fi
  row "$name" --allocation "$work/allocation.$name" "$@"
}
texts=$*

printf '| row | bits | bits with factors |'
for text in $texts; do printf ' perplexity %s | KL |' "$(basename "$text")"; done
printf '\n|---|---|---|'
for text in $texts; do printf '%s' '---|---|'; done
printf '\n'

for b in 4 3; do
  row "nf$b" --method qlora --nf $b
  row "nf$b-search" --method qlora --nf $b --scales search
done
row lm3-search --method qlora --nf 3 --codebook lm --scales search
for b in 2.5 3.0 3.127 3.5 4.127; do
  mixed "none-$b" none $b --rank 0
  mixed "qlora-ilp-$b" qlora $b --method qlora
done
mixed none-3.5-r16 none-r16 3.5 --rank 16

has_data || exit 0
need=0
for r in ${rows:-kfac}; do case $r in nf* | lm* | none* | qlora*) ;; *) need=1 ;; esac; done
[ $need = 0 ] || stats
s="--stats $work/stats.safetensors"
paper="--importance fisher --codebook nf --scales absmax --no-feedback $s"
# shellcheck disable=SC2086
{
  row kfac-nf3 --nf 3 --rank 0 $s
  row kfac-nf3-absmax --nf 3 --rank 0 --scales absmax $s
  row kfac-lm3-absmax --nf 3 --rank 0 --codebook lm --scales absmax $s
  row input-nf3 --nf 3 --rank 0 --importance input $s
  row kfac-nf3-blocks16 --config 3,8,fp32,16,256 --rank 0 $s
  row gptq3-nf --method gptq --nf 3 --codebook nf $s
  row gptq3-int --method gptq --nf 3 $s
  for b in 2.25 2.5 3.0 3.127 3.5 4.25 4.4375 5.534; do
    mixed "kfac-$b" kfac $b --rank 0 $s
    mixed "kfac-nf-$b" kfac-nf $b --rank 0 --codebook nf $s
  done
  for b in 2.25 2.5 3.0 3.5 4.25; do
    mixed "paper-$b-r16" paper-r16 $b --rank 16 $paper
    mixed "kfac-$b-r16" kfac-r16 $b --rank 16 $s
  done
}
