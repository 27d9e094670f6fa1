# What budget_table.sh and gptq_table.sh share; they source it with their own arguments.
# shellcheck shell=sh
lqlora=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
model=$root/examples/models/quill
mkdir -p "$2"
work=$(cd "$2" && pwd)
shift 2
texts=$*

run() { "$lqlora" --quiet "$@"; }
# number FILE KEY: of a JSON file with a key a line.
number() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),\{0,1\}$/\1/p" "$1" | head -n 1; }

# quantized FLAGS...: makes $work/out; its report is $work/q.json.
quantized() {
  rm -rf "$work/out"
  run --json "$work/q.json" quantize "$model" "$@" -o "$work/out" >/dev/null
}

# Perplexity and KL of $work/out on each text, then the seconds of quantizing.
measured() {
  for text in $texts; do
    run --json "$work/e.json" eval "$work/out" --tasks perplexity --data "$text" --reference "$model" >/dev/null
    printf ' %9.3f %8.5f' "$(number "$work/e.json" perplexity)" "$(number "$work/e.json" kl)"
  done
  printf ' %6.1f s\n' "$(number "$work/q.json" seconds)"
}

[ -f "$work/stats.safetensors" ] ||
  run calibrate "$model" --data "$root/examples/texts/calibration.txt" -o "$work/stats.safetensors"
