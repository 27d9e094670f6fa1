#!/bin/sh
# Format, layers, names and loops where they belong, benchmarks and fuzz targets that compile, and clang-tidy over every
# file of src; prints each offence and exits with 1 if there is one.
# usage: tools/lint.sh BUILD_DIR (made if it is not there)
set -eu
build=${1:-build}
cd "$(dirname "$0")/.."
failed=0
files=$(git ls-files 'src/*.cc' 'src/*.h' 'tests/*.cc' 'tests/*.h' 'bench/*.cc' 'bench/*.h' 'fuzz/*.cc' 'include/*.h' 'examples/cpp/*.cc')

# shellcheck disable=SC2086
clang-format-14 --dry-run --Werror $files || failed=1
python3 tools/check_layers.py . || failed=1
python3 tools/check_public_headers.py . || failed=1
python3 tools/check_names.py . || failed=1
python3 tools/check_loops.py . || failed=1

# What the tests' build leaves out compiles.
git ls-files 'bench/*.cc' 'fuzz/*.cc' |
  xargs -P "$(nproc)" -n 1 clang++-14 -std=c++20 -fsyntax-only -Isrc -Iinclude -I. || failed=1

[ -f "$build/compile_commands.json" ] || cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLQ_UNITY=ON >/dev/null
# What the build compiles below src: with LQ_UNITY batches of files, so that headers are walked once for a batch.
units=$(python3 - "$build" <<'END'
import json, os, sys
for entry in json.load(open(os.path.join(sys.argv[1], "compile_commands.json"))):
    if any(os.path.relpath(entry["file"], top).startswith("src/") for top in (".", sys.argv[1])):
        print(entry["file"])
END
)
echo "$units" | xargs -P "$(nproc)" -n 1 clang-tidy-14 --quiet -p "$build" 2>/dev/null || failed=1

if [ "$failed" = 0 ]; then echo "lint: clean"; else echo "lint: failed"; fi
exit "$failed"
