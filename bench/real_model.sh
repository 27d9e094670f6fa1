#!/bin/sh
# The tables "Bits on a real model" of docs/results.md: setting -> stored bits a weight, and perplexity
# and KL to the dense model on each text, in windows of 512.
# usage: bench/real_model.sh MODEL_DIRECTORY TEXT...
# By environment:
#   LQLORA   the program (build/lqlora)
#   OLD      an older program, for the rows "old-"; without it they are left out
#   WORK     where results, statistics and tables are kept (real_model.work)
#   DATA     text to calibrate on; rows that need it are left out where it is not given
#   STATS    statistics that calibrate made (WORK/stats.safetensors, made from DATA)
#   SAMPLES  windows of 512 tokens to calibrate on (100)
#   CONFIGS  NormalFloat configurations that mixes are made of (twelve; "lean" for all good ones)
#   BITS     budgets (2.25 2.5 3.0 3.5 4.25)
#   RANKS    ranks of the mixes with data (0 16)
#   ROWS     names of the rows to make, or patterns such as 'ours-*' (all)
# A row whose result lies in WORK is printed again and not made again: kill it and run the same command, or name one
# row in ROWS. Packed models are removed when they are measured, unless KEEP is set.
set -eu
model=$1
shift
lqlora=${LQLORA:-build/lqlora}
work=${WORK:-real_model.work}
data=${DATA:-}
stats=${STATS:-$work/stats.safetensors}
wide='4,4,fp16,64,64 4,4,fp16,32,64 5,4,fp16,64,64 6,4,fp16,64,64 8,4,fp16,64,64'
narrow='2,4,fp16,64,64 2,4,fp16,32,64 2,4,fp16,16,64 3,3,fp16,64,64 3,4,fp16,64,64 3,4,fp16,32,64 3,4,fp16,16,64'
paper='4,4,fp16,64,64 4,4,fp16,32,64 8,4,fp16,64,64'
configs=${CONFIGS:-$narrow $wide}
papers=${CONFIGS:-$narrow $paper}
trellis='tcq,2 tcq,3 tcq,4'
rows=${ROWS:-}
mkdir -p "$work/rows"

program=$lqlora
run() { "$program" --quiet "$@"; }
number() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),\{0,1\}$/\1/p" "$1" | head -n 1; }
has_data() { [ -n "$data" ] || [ -f "$stats" ]; }
wanted() {
  [ -n "$rows" ] || return 0
  for pattern in $rows; do
    # shellcheck disable=SC2254
    case $1 in $pattern) return 0 ;; esac
  done
  return 1
}
need_stats() {
  [ -f "$stats" ] || "$lqlora" calibrate "$model" --data "$data" --samples "${SAMPLES:-100}" -o "$stats" >/dev/null
}
# table NAME FLAGS...: the error table $work/NAME.json.gz, made once
table() {
  out=$work/$1.json.gz
  shift
  # shellcheck disable=SC2086
  [ -f "$out" ] || run sweep "$model" --configs $choices "$@" -o "$out" >/dev/null
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
          --seq-len 512 --reference "$model" >/dev/null
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
budgets=${BITS:-2.25 2.5 3.0 3.5 4.25}

printf '| row | bits | bits with factors |'
for text in $texts; do printf ' perplexity %s | KL |' "$(basename "$text")"; done
printf '\n|---|---|---|'
for text in $texts; do printf '%s' '---|---|'; done
printf '\n'

# Without data.
choices=$configs
for b in 4 3; do row "nf$b" --method qlora --nf $b; done
for b in $budgets 3.127 4.127; do mixed "none-$b" none "$b" --rank 0; done
choices=$papers
for b in $budgets; do mixed "qlora-ilp-$b" qlora "$b" --method qlora; done

has_data || exit 0
need=0
for name in ${rows:-ours}; do case $name in nf* | none* | qlora*) ;; *) need=1 ;; esac; done
[ $need = 0 ] || need_stats

# With data: one width for all.
for b in 2 3 4; do
  row "ours-nf$b" --nf $b --rank 0 --stats "$stats"
  row "ours-tcq$b" --config tcq,$b --rank 0 --stats "$stats"
  row "gptq-nf$b" --method gptq --nf $b --format nf --stats "$stats"
done
row gptq-int3 --method gptq --nf 3 --stats "$stats"
row input-nf3 --nf 3 --rank 0 --importance input --stats "$stats"

# With data: mixes. The old program knows neither codes of 5 and 6 bits nor trellis codes among its defaults.
for r in ${RANKS:-0 16}; do
  for b in $budgets; do
    choices=$papers
    mixed "paper-$b-r$r" "paper-r$r" "$b" --rank "$r" --importance fisher --format nf --scales absmax --no-feedback \
      --stats "$stats"
    if [ -n "${OLD:-}" ]; then
      program=$OLD
      mixed "old-$b-r$r" "old-r$r" "$b" --rank "$r" --stats "$stats"
      program=$lqlora
    fi
    choices=$configs
    mixed "ours-nf-$b-r$r" "ours-nf-r$r" "$b" --rank "$r" --format nf --stats "$stats"
    choices="$trellis $wide"
    mixed "ours-$b-r$r" "ours-r$r" "$b" --rank "$r" --stats "$stats"
  done
done
