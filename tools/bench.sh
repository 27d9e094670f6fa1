#!/bin/sh
# Runs every benchmark of a build and keeps its JSON in BUILD/bench/.
# usage: tools/bench.sh BUILD_DIR
set -eu
build=${1:-build}
mkdir -p "$build/bench"
for program in "$build"/bench_*; do
  [ -x "$program" ] || continue
  "$program" --benchmark_out="$build/bench/$(basename "$program").json" --benchmark_out_format=json
done
