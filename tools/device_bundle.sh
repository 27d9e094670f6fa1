#!/bin/bash
# Gathers everything that tools/device_check.sh runs into a folder that a bare machine with a card can take: programs
# built with CUDA, and the libraries that they need (with the C library and its loader). It goes beside these sources.
# usage: tools/device_bundle.sh [FOLDER], by default build-device. LQ_CUDA_ARCHITECTURES: of the cards, by default 80;90
# (later ones run the second one's portable form). LQ_DEVICE_BUILD: a build tree to take the programs from as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build-device}
build=${LQ_DEVICE_BUILD:-build-device-tree}
programs="lqlora test_backends test_ops test_decompose test_models test_train test_eval test_calibrate bench_device"
if [ -z "${LQ_DEVICE_BUILD:-}" ]; then
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLQ_CUDA=ON -DLQ_BUILD_BENCH=ON -DLQ_UNITY=ON \
    "-DCMAKE_CUDA_ARCHITECTURES=${LQ_CUDA_ARCHITECTURES:-80;90}" >/dev/null
  # shellcheck disable=SC2086
  cmake --build "$build" --target $programs
fi
rm -rf "$out"
mkdir -p "$out/bin" "$out/lib"
for name in $programs; do
  program=$(find "$build" -name "$name" -type f -perm -u+x | head -1)
  if [ -z "$program" ]; then
    echo "device_bundle: $build has no $name" >&2
    continue
  fi
  strip -o "$out/bin/$name" "$program"
  # Lines of ldd: "libX.so => /path (0x...)", and the loader by its path alone.
  ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' |
    while read -r library; do cp -nL "$library" "$out/lib/"; done
done
git rev-parse --short HEAD >"$out/commit" 2>/dev/null || echo unknown >"$out/commit"
du -sh "$out" | sed 's/^/device_bundle: /'
