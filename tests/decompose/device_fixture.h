// A context on every CUDA device of this machine, for tests of decomposition.
#pragma once

#include <gtest/gtest.h>

#include "backends/cuda/device.h"
#include "decompose_fixture.h"
#include "ops/device_memory.h"

namespace lq::testing_support {

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (backends::cuda::devices().empty())
      GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
    queue_ = open_device_queue({DeviceKind::kCuda, 0});
    there_.device = {DeviceKind::kCuda, 0};
    there_.queue = queue_.get();
  }
  Tensor moved(const std::vector<float>& values, std::int64_t rows) {
    return copy_to_device(there_, Tensor::borrow(DType::kF32, {rows, std::ssize(values) / rows},
                                                 reinterpret_cast<const std::byte*>(values.data())));
  }
  std::vector<float> values_of(const Tensor& t) {
    const Tensor host = copy_to_host(there_, t);
    return {host.data<float>(), host.data<float>() + host.numel()};
  }

  Workbench run_{2};
  std::unique_ptr<DeviceQueue, CloseDeviceQueue> queue_;
  Context there_ = run_.context;
};

}  // namespace lq::testing_support
