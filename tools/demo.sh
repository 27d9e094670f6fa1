#!/bin/sh
# The product on its example model: quantize at 3 bits with and without a low-rank part, at 2.5 bits by budget,
# compare, fine-tune, generate, export.
# usage: tools/demo.sh path/to/lqlora
set -eu
lqlora=$(realpath "$1")
cd "$(dirname "$0")/.."
model=examples/models/quill
text=examples/texts/held_out.txt
steps=40
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

say() { printf '\n== %s\n' "$*"; }
number() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),\{0,1\}$/\1/p" "$1" | head -n 1; }

say "quill as it is"
"$lqlora" inspect $model >"$out/inspect.txt"
sed -n 1,7p "$out/inspect.txt"

say "plain NF3: every linear of the blocks in 3.127 bits"
"$lqlora" --quiet --json "$out/nf3.json" quantize $model --nf 3 --method qlora -o "$out/nf3" >"$out/nf3.txt"
tail -n 2 "$out/nf3.txt"

say "LQ: the same bits, and a low-rank part of rank 8 fitted with them"
"$lqlora" --quiet --json "$out/lq.json" quantize $model --nf 3 --rank 8 -o "$out/lq"

say "both as ordinary Hugging Face directories"
"$lqlora" --quiet export "$out/nf3" --format hf -o "$out/nf3-hf"
"$lqlora" --quiet export "$out/lq" --format hf -o "$out/lq-hf"

say "compared: relative error of the weights; perplexity and KL divergence to the dense model on a text it has not seen"
printf '%-6s %8s %10s %12s %10s\n' model bits error perplexity KL
for run in dense nf3 lq; do
  directory=$out/$run
  bits=16 error=0
  if [ $run = dense ]; then
    directory=$model
  else
    bits=$(number "$out/$run.json" bits_per_weight)
    error=$(number "$out/$run.json" relative_error)
  fi
  "$lqlora" --quiet --json "$out/eval.json" eval "$directory" --tasks perplexity --data $text --reference $model \
    >/dev/null
  printf '%-6s %8.3f %10.4f %12.3f %10.5f\n' $run "$bits" "$error" "$(number "$out/eval.json" perplexity)" \
    "$(number "$out/eval.json" kl)"
done

say "2.5 bits per weight, three ways: statistics on a text that quill wrote itself, then the integer programme"
calibration=examples/texts/calibration.txt
"$lqlora" --quiet calibrate $model --data $calibration -o "$out/stats.safetensors"
printf '%-22s %8s %12s %10s\n' method bits perplexity KL
"$lqlora" --quiet --json "$out/eval.json" eval $model --tasks perplexity --data $text >/dev/null
printf '%-22s %8.3f %12.3f %10.5f\n' "dense" 16 "$(number "$out/eval.json" perplexity)" 0
for run in qlora paper ours; do
  case $run in
    qlora) name="QLoRA, mixed NF" flags="--method qlora" ;;
    paper) name="LQ-LoRA, the paper" flags="--rank 8 --importance fisher --format nf --scales absmax --stats $out/stats.safetensors" ;;
    ours) name="ours (kfac, feedback)" flags="--rank 8 --stats $out/stats.safetensors" ;;
  esac
  # shellcheck disable=SC2086
  "$lqlora" --quiet --json "$out/$run.json" quantize $model --bits 2.5 $flags -o "$out/$run" >/dev/null
  "$lqlora" --quiet --json "$out/eval.json" eval "$out/$run" --tasks perplexity --data $text --reference $model \
    >/dev/null
  printf '%-22s %8.3f %12.3f %10.5f\n' "$name" "$(number "$out/$run.json" bits_per_weight)" \
    "$(number "$out/eval.json" perplexity)" "$(number "$out/eval.json" kl)"
done

say "fine-tuned: $steps steps on a harbour master's log, a style that quill has never read; perplexity on later days of it"
log=examples/texts/harbour_log.txt
later=examples/texts/harbour_log_held_out.txt
printf '%-22s %8s %12s %12s %10s\n' method bits before after seconds
for run in dense qlora ours; do
  case $run in
    dense) name="LoRA on dense weights" directory=$model bits=16 ;;
    qlora) name="QLoRA, mixed NF" directory=$out/qlora bits=$(number "$out/qlora.json" bits_per_weight) ;;
    ours) name="ours (kfac, feedback)" directory=$out/ours bits=$(number "$out/ours.json" bits_per_weight) ;;
  esac
  "$lqlora" --quiet --json "$out/before.json" eval "$directory" --tasks perplexity --data $later >/dev/null
  "$lqlora" --quiet --json "$out/tuned.json" finetune "$directory" --data $log --rank 8 --seq-len 256 --batch-size 2 \
    --max-steps $steps --lr 5e-3 -o "$out/$run-tuned" >/dev/null
  "$lqlora" --quiet --json "$out/after.json" eval "$directory" --adapter "$out/$run-tuned" --tasks perplexity \
    --data $later >/dev/null
  printf '%-22s %8.3f %12.3f %12.3f %10.1f\n' "$name" "$bits" "$(number "$out/before.json" perplexity)" \
    "$(number "$out/after.json" perplexity)" "$(number "$out/tuned.json" seconds)"
done
echo "(ours starts from the decomposition's factors, which are larger than LoRA's random ones: it learns faster at one rate)"

say "a paragraph of each"
for directory in $model "$out/nf3" "$out/lq" "$out/ours"; do
  "$lqlora" --quiet --seed 1 generate "$directory" --prompt "It was a cold evening, and the old man" \
    --max-tokens 60 --temperature 0.7 --top-p 0.9
  echo
done
