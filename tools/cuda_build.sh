#!/bin/sh
# Compiles backends/cuda for one architecture where the machine has nvcc: what a machine without a GPU can check of it.
# usage: tools/cuda_build.sh [BUILD_DIR]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build-cuda}
if ! command -v nvcc >/dev/null && [ ! -f build-cuda-toolkit/nvidia/cu13/complete ]; then
  echo "cuda: not compiled, for there is no nvcc here (tools/cuda_toolkit.sh fetches one)"
  exit 0
fi
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLQ_CUDA=ON -DLQ_BUILD_TESTS=OFF \
  -DCMAKE_CUDA_ARCHITECTURES="${LQ_CUDA_ARCHITECTURES:-90}" -DLQ_WERROR=ON >/dev/null
cmake --build "$build" --target lq_backends_cuda -- -k 0
echo "cuda: backends_cuda compiles"
