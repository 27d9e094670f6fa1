# The checks of tools/device_check.sh that are more than one program, and how it finds programs and libraries. Sourced.
# Each check runs in a shell of its own, under a time limit. What is known beforehand comes by the environment:
# programs (a folder), quill, text, scratch, and prefix_text: the words before every program, quoted.
# shellcheck shell=bash

eval "prefix=(${prefix_text:-env})"

# program_path NAME: in the bundle or in the build tree; empty where it is not there.
program_path() { find "$programs" -name "$1" -type f -perm -u+x 2>/dev/null | head -n 1; }

# run PROGRAM ARGUMENTS...
run() {
  local program
  program=$(program_path "$1")
  [ -n "$program" ] || { echo "$1 is not there"; return 127; }
  shift
  "${prefix[@]}" "$program" "$@"
}

# checked COMMAND...: of a program of tests. One that skips for want of a device has checked nothing, nor has a filter
# that no test's name fits.
checked() {
  local codes
  "$@" 2>&1 | awk '{ print; fflush() } /no CUDA device/ { bad = 9 } /Running 0 tests/ { bad = 10 } END { exit bad }'
  codes=("${PIPESTATUS[@]}")
  [ "${codes[0]}" = 0 ] || return "${codes[0]}"
  return "${codes[1]}"
}

# differences FILE FILE COUNT MOST: of numbers, line by line: at least COUNT of them, and none larger than MOST.
differences() {
  paste "$1" "$2" | awk -v count="$3" -v most="$4" '
    NF != 2 { bad = 1 }
    { d = $1 - $2; if (d < 0) d = -d; if (!(d <= most)) bad = 1; if (d > largest) largest = d }
    END { print "figure: of " NR " numbers the largest difference is " largest + 0; exit bad || NR < count }'
}

# numbers_of NAME FILE: all numbers that JSON gives under that name, one a line.
numbers_of() { grep -oE "\"$1\": ?-?[0-9.]+(e[-+]?[0-9]+)?" "$2" | sed 's/.*: *//'; }

a_device_is_there() {
  run lqlora version >"$scratch/version" || return
  cat "$scratch/version"
  sed -n 's/^CUDA  *\(.*MiB.*\)/figure: \1/p' "$scratch/version"
  grep -q '^CUDA .*MiB' "$scratch/version"
}

finetune_quill() {
  local out=$1
  shift
  rm -rf "$out"
  run lqlora --seed 1 "${place[@]}" finetune "$quill" --data "$text" --rank 8 --seq-len 128 -o "$out" "$@"
}

# The same losses from both devices.
compare_losses() {
  local place d
  for d in cpu cuda; do
    place=(--device "$d")
    finetune_quill "$scratch/run-$d" --max-steps 20 --matmul-precision f32 || return
    numbers_of loss "$scratch/run-$d/log.jsonl" >"$scratch/losses-$d"
  done
  differences "$scratch/losses-cpu" "$scratch/losses-cuda" 20 0.01
}

# Training in bf16 with attention by cuDNN and by our own kernels: what computes it, and the losses of both.
compare_attention() {
  local wish place=(--device cuda)
  for wish in 0 1; do
    LQ_CUDNN=$wish finetune_quill "$scratch/run-cudnn-$wish" --max-steps 20 --matmul-precision bf16 \
      >"$scratch/log-cudnn-$wish" 2>&1 || { cat "$scratch/log-cudnn-$wish"; return 1; }
    numbers_of loss "$scratch/run-cudnn-$wish/log.jsonl" >"$scratch/losses-cudnn-$wish"
  done
  differences "$scratch/losses-cudnn-0" "$scratch/losses-cudnn-1" 20 0.05 || return
  grep -h -o 'attention: [^);]*' "$scratch/log-cudnn-1" | sort -u | sed 's/^/figure: /'
}

# Greedy texts part where two tokens are nearly as likely: the beginning must be the same.
compare_texts() {
  local d
  for d in cpu cuda; do
    run lqlora --device "$d" --quiet generate "$quill" --prompt "It was a cold evening" --max-tokens 40 \
      --decode-precision fine >"$scratch/text-$d" || return
  done
  cat "$scratch/text-cpu" "$scratch/text-cuda"
  [ "$(wc -c <"$scratch/text-cuda")" -ge 60 ] &&
    cmp <(head -c 60 "$scratch/text-cpu") <(head -c 60 "$scratch/text-cuda")
}

# Perplexity by both.
compare_scores() {
  local d
  for d in cpu cuda; do
    run lqlora --device "$d" --quiet --json "$scratch/scores-$d.json" eval "$quill" --tasks perplexity --seq-len 128 \
      --data "$text" || return
    numbers_of nll_per_token "$scratch/scores-$d.json" >"$scratch/nll-$d"
  done
  differences "$scratch/nll-cpu" "$scratch/nll-cuda" 1 0.0002
}

# Statistics of both, and those of the card quantize.
compare_statistics() {
  local d
  for d in cpu cuda; do
    rm -rf "$scratch/stats-$d"*
    run lqlora --device "$d" --json "$scratch/stats-$d.json" calibrate "$quill" --data "$text" --samples 16 \
      --seq-len 128 -o "$scratch/stats-$d" || return
    numbers_of mean_loss "$scratch/stats-$d.json" >"$scratch/loss-$d"
  done
  differences "$scratch/loss-cpu" "$scratch/loss-cuda" 1 0.01 &&
    run lqlora --quiet quantize "$quill" --nf 3 --rank 4 --stats "$scratch/stats-cuda" -o "$scratch/by-stats" --overwrite
}

# The same matrices split by both: files of the same size, errors alike (on small matrices a flipped code leads the
# alternation elsewhere, a little lower or higher), and a table of errors.
compare_decompositions() {
  local d
  for d in cpu cuda; do
    rm -rf "$scratch/split-$d" "$scratch/table-$d.json"
    run lqlora --device "$d" --quiet --json "$scratch/split-$d.json" quantize "$quill" --nf 3 --rank 16 \
      -o "$scratch/split-$d" || return
    run lqlora --device "$d" --quiet sweep "$quill" --rank 16 --include '*layers.0.*proj.weight' --check 0 \
      --configs 2,8,fp32,64,256 3,8,fp32,64,256 -o "$scratch/table-$d.json" || return
    numbers_of relative_error "$scratch/split-$d.json" >"$scratch/errors-$d"
    stat -c %s "$scratch/split-$d"/*.safetensors >"$scratch/sizes-$d"
  done
  cmp "$scratch/sizes-cpu" "$scratch/sizes-cuda" || return
  paste "$scratch/errors-cpu" "$scratch/errors-cuda" | awk '
    { d = $2 / $1 - 1; sum += d; if (d < 0) d = -d; if (d > most) most = d }
    END {
      mean = NR > 0 ? sum / NR : 0
      print "figure: of " NR " relative errors the largest difference is " most + 0 ", on average " mean
      exit NR < 42 || most > 0.05 || mean > 0.003 || mean < -0.02
    }'
}

# A run that is killed after its first checkpoint goes on to the same bytes.
resume() {
  local place=(--device cuda) steps=(--max-steps 200 --save-every 20) pid i
  finetune_quill "$scratch/whole" "${steps[@]}" || return
  rm -rf "$scratch/resumed"
  "${prefix[@]}" "$(program_path lqlora)" --seed 1 --device cuda finetune "$quill" --data "$text" --rank 8 \
    --seq-len 128 -o "$scratch/resumed" "${steps[@]}" &
  pid=$!
  for ((i = 0; i < 2000; ++i)); do
    find "$scratch" -path "$scratch/*resumed*" -name '*-step-*.safetensors' 2>/dev/null | grep -q . && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.01
  done
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" && { echo "it had finished before it could be killed: nothing was resumed"; return 1; }
  run lqlora --seed 1 --device cuda finetune "$quill" --data "$text" --rank 8 --seq-len 128 -o "$scratch/resumed" \
    "${steps[@]}" || return
  cmp "$scratch/whole/adapter_model.safetensors" "$scratch/resumed/adapter_model.safetensors"
}

# sanitize TOOL PROGRAM ARGUMENTS...
sanitize() {
  local tool=$1 program sanitizer
  program=$(program_path "$2")
  shift 2
  sanitizer=$(command -v compute-sanitizer || find /usr/local/cuda*/ -name compute-sanitizer -type f 2>/dev/null | head -n 1)
  [ -n "$sanitizer" ] || { echo "compute-sanitizer is not there"; return 3; }
  checked "$sanitizer" --tool "$tool" --target-processes all --error-exitcode 17 "${prefix[@]}" "$program" "$@"
}

# block_on NAME ARGUMENTS...: quantizes the 7B-shaped block, and says how long that took.
block_on() {
  local name=$1
  shift
  rm -rf "$scratch/block-$name"
  local begin=$EPOCHREALTIME
  run lqlora --quiet "$@" quantize "$scratch/block" --nf 3 --rank 64 -o "$scratch/block-$name" || return
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "figure: %.1f s\n", b - a }'
  rm -rf "$scratch/block-$name"
}
