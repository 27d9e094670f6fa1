#!/bin/sh
# Writes calibration.txt: text that quill itself makes up, so that the example needs nobody else's. Takes a minute.
# usage: examples/texts/make_calibration.sh path/to/lqlora [first_seed] [documents] > calibration.txt
set -eu
lqlora=$1
first=${2:-1}
documents=${3:-64}
model=$(dirname "$0")/../models/quill
seed=$first
while [ "$seed" -lt $((first + documents)) ]; do
  case $((seed % 8)) in
    0) prompt="The" ;; 1) prompt="In" ;; 2) prompt="It was" ;; 3) prompt="When he" ;;
    4) prompt="\"What" ;; 5) prompt="She" ;; 6) prompt="CHAPTER" ;; 7) prompt="There" ;;
  esac
  "$lqlora" --quiet --seed "$seed" generate "$model" --prompt "$prompt" --max-tokens 480 --temperature 1 --top-p 0.98
  printf '\n\n'
  seed=$((seed + 1))
done
