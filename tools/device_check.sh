#!/bin/bash
# All that a machine with a CUDA card can tell of this program, in one call of at most nine minutes: programs are taken
# from tools/device_bundle.sh's folder (build-device, or the one named), else built from these sources; then ops, models,
# training and decoding are held against the processor, compute-sanitizer goes over small ones, and benchmarks run with
# their peers where Python has them. Every step has its own limit, so that one failure hides no other; the last thing
# printed is one table. Full outputs lie in $OUT (or build-device-out). Exit status: whether every check passed.
# usage: tools/device_check.sh [BUNDLE]
set -u
cd "$(dirname "$0")/.."
bundle=${1:-build-device}
out=${OUT:-build-device-out}
limit=${LQ_DEVICE_SECONDS:-530}
begin=$(date +%s)
mkdir -p "$out"
quill=examples/models/quill
text=examples/texts/held_out.txt
rows=()
failed=0

left() { echo $((limit - ($(date +%s) - begin))); }

# step NAME SECONDS COMMAND...: runs it within SECONDS and what is left; one row for the table.
step() {
  local name=$1 most=$2 start rc state
  shift 2
  [ "$most" -gt "$(left)" ] && most=$(left)
  if [ "$most" -lt 5 ]; then
    rows+=("$name|not run: no time was left")
    failed=1
    return 1
  fi
  start=$(date +%s)
  timeout -k 5 "$most" "$@" >"$out/$name.txt" 2>&1
  rc=$?
  state=passed
  [ $rc = 0 ] || { state="FAILED ($rc)"; failed=1; }
  [ $rc = 124 ] && state="FAILED: over $most s"
  rows+=("$name|$state in $(($(date +%s) - start)) s")
  echo "== $name: $state"
  [ $rc = 0 ] || tail -n 15 "$out/$name.txt"
  return $rc
}

# run PROGRAM ARGUMENTS...: from the bundle with its own libraries, or from the build tree. The loader of the bundle
# finds the driver's library where the machine has it.
driver_folders() {
  local folder
  for folder in /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/local/nvidia/lib64 /usr/lib/wsl/lib; do
    [ -e "$folder/libcuda.so.1" ] && printf ':%s' "$folder"
  done
}
blas_folders() {
  local file
  for file in "$(ldconfig -p 2>/dev/null | sed -n 's/.*=> \(.*libcublas\.so\.1[1-9]\)$/\1/p' | head -1)" \
    $(find /usr/local/cuda*/ -name 'libcublas.so.1[1-9]' 2>/dev/null | head -1) \
    $(python3 -c 'import glob, site, sys
for base in site.getsitepackages() + [site.getusersitepackages()]:
    for f in glob.glob(base + "/nvidia/*/lib/libcublas.so.1*"): print(f)' 2>/dev/null | head -1); do
    [ -e "$file" ] && printf ':%s' "$(dirname "$file")"
  done
}
# cuDNN, and NVRTC, by which it compiles attention.
cudnn_folders() {
  local file
  for file in "$(ldconfig -p 2>/dev/null | sed -n 's/.*=> \(.*libcudnn\.so\.9\)$/\1/p' | head -1)" \
    $(python3 -c 'import glob, site, sys
for base in site.getsitepackages() + [site.getusersitepackages()]:
    for name in ("libcudnn.so.9", "libnvrtc.so.1*"):
        for f in glob.glob(base + "/nvidia/*/lib/" + name): print(f)' 2>/dev/null); do
    [ -e "$file" ] && printf ':%s' "$(dirname "$file")"
  done
}
if [ -d "$bundle/bin" ]; then
  loader=$(find "$bundle/lib" -name 'ld-linux*' | head -1)
  libraries="$PWD/$bundle/lib$(driver_folders)$(blas_folders)$(cudnn_folders)"
  prefix=("$loader" --library-path "$libraries")
  programs=$bundle/bin
else
  prefix=(env "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}$(blas_folders)$(cudnn_folders)")
  programs=build-cuda-check
  arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -1 | tr -d .)
  step build 330 sh -c "cmake -S . -B $programs -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE='-O2 -DNDEBUG' \
    -DLQ_CUDA=ON -DLQ_UNITY=ON -DLQ_BUILD_BENCH=ON -DCMAKE_CUDA_ARCHITECTURES=${arch:-90} &&
    cmake --build $programs --target lqlora test_backends test_ops test_decompose test_models test_train test_eval test_calibrate bench_device"
fi
run() {
  local program
  program=$(find "$programs" -name "$1" -type f -perm -u+x 2>/dev/null | head -1)
  shift
  [ -n "$program" ] || { echo "the program is not there"; return 127; }
  ${interrupted_after:+timeout -s INT $interrupted_after} "${prefix[@]}" "$program" "$@"
}
# A test that skips for want of a device has checked nothing.
no_skips() { "$@" | tee /dev/stderr | grep -q 'SKIPPED' && return 9; return "${PIPESTATUS[0]}"; }
# The same text and losses from both devices, as the command line gives them.
compare_losses() {
  local d
  for d in cpu cuda; do
    rm -rf "$out/run-$d"
    run lqlora --device $d --seed 1 finetune "$quill" --data "$text" --rank 8 --seq-len 128 \
      --max-steps 20 --matmul-precision f32 -o "$out/run-$d" || return 1
    grep -o '"loss":[^,}]*' "$out/run-$d/log.jsonl" | cut -d: -f2 >"$out/losses-$d"
  done
  paste "$out/losses-cpu" "$out/losses-cuda" |
    awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d } END { print "largest difference of " NR " losses:", most; exit NR < 20 || most > 0.01 }'
}
# Training in bf16 with attention by cuDNN and by our own kernels: what computes it, and the losses of both.
compare_attention() {
  local wish
  for wish in 0 1; do
    rm -rf "$out/run-cudnn-$wish"
    LQ_CUDNN=$wish run lqlora --device cuda --seed 1 finetune "$quill" --data "$text" --rank 8 --seq-len 128 \
      --max-steps 20 --matmul-precision bf16 -o "$out/run-cudnn-$wish" 2>&1 | tee "$out/log-cudnn-$wish"
    [ "${PIPESTATUS[0]}" = 0 ] || return 1
    grep -o '"loss":[^,}]*' "$out/run-cudnn-$wish/log.jsonl" | cut -d: -f2 >"$out/losses-cudnn-$wish"
  done
  grep -h -o 'attention: [^);]*' "$out/log-cudnn-1" | sort -u
  paste "$out/losses-cudnn-0" "$out/losses-cudnn-1" |
    awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d } END { print "largest difference of " NR " losses:", most; exit NR < 20 || most > 0.05 }'
}
compare_texts() {
  local d
  for d in cpu cuda; do
    run lqlora --device $d --quiet generate "$quill" --prompt "It was a cold evening" --max-tokens 40 \
      --decode-precision fine >"$out/text-$d" || return 1
  done
  cat "$out/text-cuda"
  # Greedy texts part where two tokens are nearly as likely: the beginning must be the same.
  cmp -s <(head -c 60 "$out/text-cpu") <(head -c 60 "$out/text-cuda")
}
# Perplexity by both, and statistics of one that the other quantizes with.
compare_scores() {
  local d
  for d in cpu cuda; do
    run lqlora --device $d --quiet --json "$out/scores-$d.json" eval "$quill" --tasks perplexity --seq-len 128 \
      --data "$text" || return 1
    sed -n 's/.*"nll_per_token": \([0-9.]*\).*/\1/p' "$out/scores-$d.json" >"$out/nll-$d"
  done
  paste "$out/nll-cpu" "$out/nll-cuda" |
    awk '{ d = $1 - $2; if (d < 0) d = -d; print "difference of the nats a token:", d; exit NF < 2 || d > 0.0002 }'
}
compare_statistics() {
  local d
  for d in cpu cuda; do
    rm -rf "$out/stats-$d"*
    run lqlora --device $d --json "$out/stats-$d.json" calibrate "$quill" --data "$text" --samples 16 --seq-len 128 \
      -o "$out/stats-$d" || return 1
    grep -o '"mean_loss": [0-9.]*' "$out/stats-$d.json" | cut -d' ' -f2 >"$out/loss-$d"
  done
  paste "$out/loss-cpu" "$out/loss-cuda" |
    awk '{ d = $1 - $2; if (d < 0) d = -d; print "difference of the mean loss:", d; exit NF < 2 || d > 0.01 }' &&
    run lqlora --quiet quantize "$quill" --nf 3 --rank 4 --stats "$out/stats-cuda" -o "$out/by-stats" --overwrite
}
# The same matrices split by both: files of the same size, errors alike (on small matrices a flipped code leads the
# alternation elsewhere, a little lower or higher), and a table of errors.
compare_decompositions() {
  local d
  for d in cpu cuda; do
    rm -rf "$out/split-$d" "$out/table-$d.json"
    run lqlora --device $d --quiet --json "$out/split-$d.json" quantize "$quill" --nf 3 --rank 16 -o "$out/split-$d" &&
      run lqlora --device $d --quiet sweep "$quill" --rank 16 --include '*layers.0.*proj.weight' --check 0 \
        --configs 2,8,fp32,64,256 3,8,fp32,64,256 -o "$out/table-$d.json" || return 1
    grep -o '"relative_error": [0-9.e-]*' "$out/split-$d.json" | cut -d' ' -f2 >"$out/errors-$d"
    stat -c %s "$out/split-$d"/*.safetensors >"$out/sizes-$d"
  done
  cmp "$out/sizes-cpu" "$out/sizes-cuda" && paste "$out/errors-cpu" "$out/errors-cuda" |
    awk '{ d = $2 / $1 - 1; sum += d; if (d < 0) d = -d; if (d > most) most = d } END { mean = sum / NR; print "difference of " NR " relative errors: at most", most, "on average", mean; exit NR < 42 || most > 0.05 || mean > 0.003 || mean < -0.02 }'
}
resume() {
  rm -rf "$out/resumed"
  local command=(lqlora --device cuda --seed 1 finetune "$quill" --data "$text" --rank 8 --seq-len 128
    --max-steps 200 --save-every 20)
  interrupted_after=5 run "${command[@]}" -o "$out/resumed"
  run "${command[@]}" -o "$out/resumed" || return 1
  rm -rf "$out/whole"
  run "${command[@]}" -o "$out/whole" && cmp "$out/whole/adapter_model.safetensors" "$out/resumed/adapter_model.safetensors"
}
sanitize() {
  local tool=$1
  shift
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not there"; return 3; }
  local program
  program=$(find "$programs" -name "$1" -type f -perm -u+x | head -1)
  shift
  compute-sanitizer --tool "$tool" --target-processes all --error-exitcode 17 "${prefix[@]}" "$program" "$@"
}
export -f run no_skips compare_losses compare_attention compare_texts compare_scores compare_statistics compare_decompositions resume sanitize
export programs quill text out bundle
shell=(bash -c)
# Functions run in shells of their own, under a time limit; an array is no export.
prefix_text=$(printf '%q ' "${prefix[@]}")
in_shell() { printf 'prefix=(%s); %s' "$prefix_text" "$1"; }

step machine 20 sh -c 'nvidia-smi; nvcc --version; python3 -c "import torch; print(torch.__version__, torch.cuda.is_available())"; true'
# Without a card the tests of ops pass on the processor alone: this is where that shows.
step device 30 "${shell[@]}" "$(in_shell 'run lqlora version | tee /dev/stderr | grep -q "^CUDA .*MiB"')"
step ops 100 "${shell[@]}" "$(in_shell 'run test_ops')"
step attention 60 "${shell[@]}" "$(in_shell "no_skips run test_ops --gtest_filter='CudnnDevices.A*:CudnnDevices.E*:CudnnDevices.O*'")"
step cudnn 60 "${shell[@]}" "$(in_shell compare_attention)"
step models 60 "${shell[@]}" "$(in_shell "no_skips run test_models --gtest_filter='ModelDevice*:Placement*.A*Wish*'")"
step training 90 "${shell[@]}" "$(in_shell "no_skips run test_train --gtest_filter='DeviceTraining*'")"
step evaluation 40 "${shell[@]}" "$(in_shell "no_skips run test_eval --gtest_filter='EvalDevices*'")"
step calibration 60 "${shell[@]}" "$(in_shell "no_skips run test_calibrate --gtest_filter='CalibrateDevices.S*:CalibrateDevices.T*'")"
step quantizing 40 "${shell[@]}" "$(in_shell "no_skips run test_backends --gtest_filter='*OnDevice*'")"
step decomposition 60 "${shell[@]}" "$(in_shell "no_skips run test_decompose --gtest_filter='*Device.*'")"
step splitting 60 "${shell[@]}" "$(in_shell compare_decompositions)"
step scores 40 "${shell[@]}" "$(in_shell compare_scores)"
step statistics 50 "${shell[@]}" "$(in_shell compare_statistics)"
step losses 60 "${shell[@]}" "$(in_shell compare_losses)"
step decoding 40 "${shell[@]}" "$(in_shell compare_texts)"
step resume 60 "${shell[@]}" "$(in_shell resume)"
step memcheck 60 "${shell[@]}" "$(in_shell "sanitize memcheck test_ops --gtest_filter='ElementwiseDevices*:LossDevices.C*:OptimizerDevices*'")"
step memcheck-codes 60 "${shell[@]}" "$(in_shell "sanitize memcheck test_backends --gtest_filter='*OnDevice.G*:*OnDevice.R*'")"
step racecheck-codes 45 "${shell[@]}" "$(in_shell "sanitize racecheck test_backends --gtest_filter='*OnDevice.G*:*OnDevice.R*'")"
step racecheck 45 "${shell[@]}" "$(in_shell "sanitize racecheck test_ops --gtest_filter='RmsNorm*:LossDevices.D*'")"
step benchmarks 150 "${shell[@]}" "$(in_shell 'run bench_device 8')"
step peers 120 python3 tools/device_peers.py

echo
echo "Device check: $(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -1 || true), commit $(cat "$bundle/commit" 2>/dev/null || git rev-parse --short HEAD 2>/dev/null)"
echo
printf '| %s | %s |\n' check result --- ---
for row in "${rows[@]}"; do printf '| %s | %s |\n' "${row%%|*}" "${row#*|}"; done
for file in "$out/benchmarks.txt" "$out/peers.txt"; do
  [ -f "$file" ] && sed -n 's/^\(.*[^ ]\) | \(.*\)$/| \1 | \2 |/p' "$file"
done
exit $failed
