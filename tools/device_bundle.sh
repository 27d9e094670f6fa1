#!/bin/bash
# Gathers everything that tools/device_check.sh runs for a bare machine with a card: programs built with CUDA, and the
# libraries that they need (with the C library and its loader, in a folder of their own). FOLDER.tar.xz holds the same in
# a fraction of the bytes, for the programs have most of their code in common; one of both goes beside these sources.
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
mkdir -p "$out/bin" "$out/lib" "$out/libc"
for name in $programs; do
  program=$(find "$build" -name "$name" -type f -perm -u+x | head -1)
  if [ -z "$program" ]; then
    echo "device_bundle: $build has no $name" >&2
    continue
  fi
  strip -o "$out/bin/$name" "$program"
  # Lines of ldd: "libX.so => /path (0x...)", and the loader by its path alone.
  ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' |
    while read -r library; do
      case ${library##*/} in
        ld-linux* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libstdc++.so.* | libgcc_s.so.*)
          folder=libc ;;
        *) folder=lib ;;
      esac
      [ -e "$out/$folder/${library##*/}" ] || cp -L "$library" "$out/$folder/"
    done
done
git rev-parse --short HEAD >"$out/commit" 2>/dev/null || echo unknown >"$out/commit"
# The window of 192 MiB lets xz see all programs at once.
tar -C "$out" -c --sort=name . | xz -T1 --lzma2=preset=6,dict=192MiB >"$out.tar.xz"
du -sh "$out" "$out.tar.xz" | sed 's/^/device_bundle: /'
