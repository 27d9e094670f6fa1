#!/bin/sh
# Fetches what compiling CUDA takes (nvcc, headers, the static runtime: 105 MB) from PyPI's wheels into DIR, without root
# and without a GPU; prints where it lies. `cmake --preset cuda` finds it in the default place by itself where the
# machine has no nvcc. Does nothing where it is there already.
# usage: tools/cuda_toolkit.sh [DIR], by default build-cuda-toolkit
set -eu
cd "$(dirname "$0")/.."
dir=${1:-build-cuda-toolkit}
root=$dir/nvidia/cu13
# One release, so that headers, compiler and runtime belong together.
wheels="nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85"
if [ ! -f "$root/complete" ]; then
  command -v python3 >/dev/null || { echo "cuda_toolkit: python3 with pip is needed" >&2; exit 1; }
  rm -rf "$dir"
  # shellcheck disable=SC2086
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$dir" $wheels >&2
  chmod +x "$root"/bin/* "$root"/nvvm/bin/*
  ln -sfn lib "$root/lib64"  # where nvcc looks
  "$root/bin/nvcc" --version >&2
  touch "$root/complete"
fi
(cd "$root" && pwd)
