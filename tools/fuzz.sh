#!/bin/sh
# Runs every fuzz target for SECONDS (default 60) on its seed corpus, with address and undefined-behaviour checks.
# New inputs go to a temporary folder; a crash is written to the build folder and ends with exit 1.
# usage: tools/fuzz.sh [SECONDS] [TARGET...]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
build=build-fuzz
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 -DLQ_BUILD_FUZZ=ON \
  -DLQ_BUILD_TESTS=OFF -DLQ_SANITIZE=address,undefined,fuzzer-no-link >/dev/null
targets=${*:-$(for f in fuzz/fuzz_*.cc; do basename "$f" .cc; done)}
# shellcheck disable=SC2086
cmake --build $build -j "$(nproc)" --target $targets
for target in $targets; do
  fresh=$(mktemp -d)
  echo "fuzz: $target, $seconds s"
  $build/"$target" -max_total_time="$seconds" -rss_limit_mb=4096 -artifact_prefix=$build/ -verbosity=0 \
    "$fresh" fuzz/corpus/"${target#fuzz_}"
  rm -r "$fresh"
done
echo "fuzz: no crash"
