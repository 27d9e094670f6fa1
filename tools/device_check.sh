#!/bin/bash
# All that a machine with a CUDA card can tell of this program, in one call of at most nine minutes: ops, models,
# training and decoding are held against the processor, compute-sanitizer goes over small ones, and benchmarks run with
# their peers where Python has them. Every step has its own limit, so that one failure hides no other, and what the
# benchmarks take is kept for them; the last thing printed is one table.
#
# The programs come from PROGRAMS: a folder or archive of tools/device_bundle.sh, or a build tree. By default from
# build-device.tar.xz, build-device or build-cuda-check, whichever is there, else they are built from these sources.
# The table and all outputs go to two files in $OUT (or build-device-out); everything else into the temporary folder,
# some 15 GB of it. These sources are only read. Exit status: whether every check passed.
# usage: tools/device_check.sh [PROGRAMS]   LQ_DEVICE_SECONDS: the limit, 530; LQ_DEVICE_BENCH_SECONDS: kept, 250
set -u
cd "$(dirname "$0")/.." || exit 1
. tools/device_libraries.sh
limit=${LQ_DEVICE_SECONDS:-530}
kept=${LQ_DEVICE_BENCH_SECONDS:-250}
begin=$(date +%s)
results=${OUT:-build-device-out}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/lq_device.XXXXXX" 2>/dev/null) || scratch=
mkdir -p "$results" 2>/dev/null && [ -w "$results" ] || results=${scratch:-/tmp}
[ -n "$scratch" ] || scratch=$(mktemp -d "$results/scratch.XXXXXX") || exit 1
logs=$scratch/logs
mkdir -p "$logs"
rows=()
failed=0
bundle=
hold=0    # seconds that the next steps leave to those after them
behind=   # the process that measures threads behind the checks

left() { echo $((limit - ($(date +%s) - begin))); }

# state_of RC SECONDS LOG: for the table, with the figures that the step printed.
state_of() {
  local state figures
  case $1 in
    0) state=passed ;;
    124) state="FAILED: over its time" ;;
    127) state="FAILED: a program is not there" ;;
    *) state="FAILED ($1)" ;;
  esac
  figures=$(sed -n 's/^figure: //p' "$3" | paste -sd ';' | sed 's/;/; /g')
  printf '%s in %s s%s' "$state" "$2" "${figures:+; $figures}"
}

# step NAME SECONDS COMMAND...: runs it within SECONDS and within what is left; one row for the table.
step() {
  local name=$1 most=$2 start rc now
  shift 2
  now=$(($(left) - hold))
  [ "$most" -gt "$now" ] && most=$now
  if [ "$most" -lt 5 ]; then
    rows+=("$name|not run: no time was left")
    failed=1
    return 1
  fi
  start=$(date +%s)
  timeout -k 5 "$most" "$@" >"$logs/$name.txt" 2>&1
  rc=$?
  [ $rc = 137 ] && rc=124
  [ $rc = 0 ] || failed=1
  rows+=("$name|$(state_of $rc $(($(date +%s) - start)) "$logs/$name.txt")")
  echo "== ${rows[-1]}"
  [ $rc = 0 ] || tail -n 15 "$logs/$name.txt" | cut -c -300
  return $rc
}
# check NAME SECONDS WORDS: the same of a line of tools/device_steps.sh's words.
check() { step "$1" "$2" bash -c ". tools/device_steps.sh; $3"; }

finish() {
  [ -z "$behind" ] || kill "$behind" 2>/dev/null
  {
    echo
    echo "Device check: $(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1)," \
      "commit $(cat "$bundle/commit" 2>/dev/null || git rev-parse --short HEAD 2>/dev/null), $(nproc) cores," \
      "$(($(date +%s) - begin)) s in all"
    echo
    printf '| %s | %s |\n' check result --- ---
    for row in "${rows[@]}"; do printf '| %s | %s |\n' "${row%%|*}" "${row#*|}"; done
    for file in "$logs/benchmarks.txt" "$logs/peers.txt"; do
      [ -f "$file" ] && sed -n 's/^\(.*[^ ]\) | \(.*\)$/| \1 | \2 |/p' "$file"
    done
  } >"$scratch/table.md"
  cp "$scratch/table.md" "$results/table.md" 2>/dev/null
  for file in "$logs"/*.txt; do
    [ -f "$file" ] && printf '\n==== %s\n' "$(basename "$file" .txt)" && tail -c 500000 "$file"
  done >"$scratch/outputs"
  cp "$scratch/outputs" "$results/outputs.txt" 2>/dev/null
  cat "$scratch/table.md"
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

# ---- the programs, and the words before each of them ----

if [ $# -gt 0 ]; then
  programs=$1
else
  programs=
  for place in build-device.tar.xz build-device build-cuda-check; do
    [ -e "$place" ] && programs=$place && break
  done
fi
case $programs in
  *.tar.xz)
    echo "unpacking $programs"
    mkdir "$scratch/bundle"
    tar -xJf "$programs" -C "$scratch/bundle" 2>/dev/null || python3 -c 'import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$programs" "$scratch/bundle"
    programs=$scratch/bundle
    ;;
  '')
    programs=$scratch/build
    arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .)
    step build 300 bash -c 'cmake -S . -B "$0" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DLQ_CUDA=ON -DLQ_UNITY=ON -DLQ_BUILD_BENCH=ON \
      -DCMAKE_CUDA_ARCHITECTURES="$1" &&
      cmake --build "$0" --target lqlora test_backends test_ops test_decompose test_models test_train test_eval \
        test_calibrate bench_device' "$programs" "${arch:-90}"
    ;;
esac
if [ -d "$programs/bin" ]; then
  bundle=$(cd "$programs" && pwd)
  programs=$bundle/bin
  chmod -R u+x "$bundle" 2>/dev/null
  # With the machine's own C library where it is new enough, else with the one that was brought along.
  prefix=(env "LD_LIBRARY_PATH=$bundle/lib$(library_folders)$(driver_folders)")
  if ! "${prefix[@]}" "$programs/lqlora" version >/dev/null 2>&1; then
    loader=$(find "$bundle/libc" -name 'ld-linux*' | head -n 1)
    prefix=("$loader" --library-path "$bundle/libc:$bundle/lib$(library_folders)$(driver_folders)")
  fi
else
  prefix=(env "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}$(library_folders)$(driver_folders)")
fi
prefix_text=$(printf '%q ' "${prefix[@]}")
quill=examples/models/quill
text=examples/texts/held_out.txt
export programs prefix_text quill text scratch
export TMPDIR=$scratch LQ_SOURCE_DIR=$PWD PYTHONUNBUFFERED=1 LQ_THREADS="${LQ_THREADS:-$(nproc)}"
# What the benchmarks take is not for the checks, but for a share where building took long.
hold=$kept
[ "$hold" -gt $(($(left) * 3 / 5)) ] && hold=$(($(left) * 3 / 5))

# ---- the checks ----

step machine 20 bash -c 'nvidia-smi; nvcc --version; df -h "$TMPDIR"; free -g; echo "$prefix_text"
  python3 -c "import torch; print(torch.__version__, torch.cuda.is_available())"; true'
# Without a card the tests of ops pass on the processor alone: this is where that shows.
check device 30 a_device_is_there

# A block on 1, 2 and 4 threads at the same time, then on 8, behind the checks, which measure nothing.
(
  trap 'kill $(jobs -p) 2>/dev/null; exit' TERM
  exec >/dev/null 2>&1
  python3 bench/make_llama_block.py "$scratch/block" 1 || exit
  touch "$scratch/block-is-there"
  for threads in 1 2 4; do
    timeout -k 5 150 bash -c ". tools/device_steps.sh; block_on $threads --threads $threads --device cpu" \
      >"$scratch/threads-$threads" 2>&1 &
  done
  wait
  timeout -k 5 60 bash -c '. tools/device_steps.sh; block_on 8 --threads 8 --device cpu' >"$scratch/threads-8" 2>&1 &
  wait
) &
behind=$!

check ops 80 'checked run test_ops'
check attention 60 "checked run test_ops --gtest_filter='CudnnDevices.A*:CudnnDevices.E*:CudnnDevices.L*:CudnnDevices.O*'"
check cudnn 50 compare_attention
check models 50 "checked run test_models --gtest_filter='ModelDevice*:Placement*.A*Wish*'"
check training 60 "checked run test_train --gtest_filter='DeviceTraining*'"
check evaluation 40 "checked run test_eval --gtest_filter='EvalDevices*'"
check calibration 50 "checked run test_calibrate --gtest_filter='CalibrateDevices.S*:CalibrateDevices.T*'"
check quantizing 40 "checked run test_backends --gtest_filter='*OnDevice*'"
check decomposition 50 "checked run test_decompose --gtest_filter='*Device.*'"
check splitting 40 compare_decompositions
check scores 30 compare_scores
check statistics 40 compare_statistics
check losses 40 compare_losses
check decoding 30 compare_texts
check resume 50 resume
check memcheck 50 "sanitize memcheck test_ops --gtest_filter='ElementwiseDevices*:LossDevices.C*:OptimizerDevices*'"
check memcheck-codes 50 "sanitize memcheck test_backends --gtest_filter='*OnDevice.G*:*OnDevice.R*'"
check racecheck-codes 40 "sanitize racecheck test_backends --gtest_filter='*OnDevice.G*:*OnDevice.R*'"
check racecheck 40 "sanitize racecheck test_ops --gtest_filter='RmsNorm*:LossDevices.D*'"

# ---- the benchmarks ----

# Alone from here on. What is behind has most often ended long ago.
for ((i = 0; i < 400; ++i)); do
  kill -0 "$behind" 2>/dev/null && [ "$(left)" -gt "$hold" ] || break
  sleep 0.1
done
kill "$behind" 2>/dev/null
wait "$behind" 2>/dev/null
behind=
hold=80
step benchmarks 230 bash -c '. tools/device_steps.sh; run bench_device 8'
hold=30
step peers 90 python3 tools/device_peers.py
hold=0
for threads in 1 2 4 8; do
  rows+=("one 7B-shaped block, --nf 3 --rank 64, $threads threads, beside the checks|$(
    sed -n 's/^figure: //p' "$scratch/threads-$threads" 2>/dev/null | grep . || echo 'not run, or not done in time')")
done
if [ -e "$scratch/block-is-there" ]; then
  check block-16-threads 30 'block_on 16 --threads 16 --device cpu'
  check block-on-the-card 30 'block_on cuda --device cuda'
fi
exit $failed
