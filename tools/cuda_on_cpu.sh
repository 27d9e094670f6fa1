#!/bin/sh
# Runs the CUDA backend on the processor, thread by thread (tests/support/cuda_on_cpu): every kernel's grid, barriers,
# shuffles and tensor products, every call of the runtime and of cuBLAS, and what is built on them, on a machine without
# a card. Once more with the threads of every block from last to first: whoever races gives other bits.
# usage: tools/cuda_on_cpu.sh [BUILD_DIR], by default build-cuda-on-cpu. Some ten minutes on two cores.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build-cuda-on-cpu}
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLQ_CUDA_ON_CPU=ON -DLQ_UNITY=ON >/dev/null
cmake --build "$build" --target lqlora test_backends test_ops test_decompose test_models test_train test_calibrate \
  test_eval test_jobs test_e2e
run() {
  program=$(find "$build" -name "$1" -type f -perm -u+x | head -1)
  "$program" --gtest_brief=1 --gtest_filter="$2"
}
run test_ops '*Devices*:*OnDevices*'
LQ_CPU_CARD_REVERSED=1 run test_ops '*Devices*:*OnDevices*'
run test_backends '*OnDevice*'
LQ_CPU_CARD_REVERSED=1 run test_backends '*OnDevice*'
run test_decompose '*Device.*'
LQ_CPU_CARD_REVERSED=1 run test_decompose '*Device.*'
run test_models 'ModelDevice*:Placement*'
run test_train 'DeviceTraining*'
run test_calibrate 'CalibrateDevices*'
run test_eval 'EvalDevices*'
run test_jobs 'DecomposeDevice*'
run test_e2e 'DeviceE2e*:DescribedMachine*'
echo "cuda_on_cpu: all kernels and what is built on them pass"
