// Products of parts of matrices, with gaps between their rows, as CUDA threads and every device make them.
#include <gtest/gtest.h>

#include <cmath>

#include "backends/cuda/product.h"
#include "ops/cuda_twin.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using reference::normals;

struct Strides {
  std::int64_t m, n, k;
  bool trans_a, trans_b;
};

// a, b and c lie in matrices with 3, 5 and 2 further columns, which stay as they are.
struct StridedCase {
  explicit StridedCase(const Strides& of) : s(of) {
    lda = (s.trans_a ? s.m : s.k) + 3;
    ldb = (s.trans_b ? s.k : s.n) + 5;
    ldc = s.n + 2;
    a = normals(static_cast<std::size_t>((s.trans_a ? s.k : s.m) * lda), 1);
    b = normals(static_cast<std::size_t>((s.trans_b ? s.n : s.k) * ldb), 2);
    c = normals(static_cast<std::size_t>(s.m * ldc), 3);
  }
  backends::cuda::Product product(const float* pa, const float* pb, float* pc) const {
    backends::cuda::Product p;
    p.m = s.m;
    p.n = s.n;
    p.k = s.k;
    p.a = pa;
    p.b.dense.data = pb;
    p.c = pc;
    p.trans_a = s.trans_a;
    p.trans_b = s.trans_b;
    p.alpha = -0.5F;
    p.beta = 2.0F;
    p.lda = lda;
    p.ldb = ldb;
    p.ldc = ldc;
    return p;
  }
  void compare(const std::vector<float>& have, const std::string& where) const {
    for (std::int64_t i = 0; i < s.m; ++i) {
      for (std::int64_t j = 0; j < ldc; ++j) {
        const auto at = static_cast<std::size_t>(i * ldc + j);
        if (j >= s.n) {
          ASSERT_EQ(have[at], c[at]) << where << ": a gap was written";
          continue;
        }
        double sum = 0.0;
        double size = std::abs(2.0 * double{c[at]});
        for (std::int64_t p = 0; p < s.k; ++p) {
          const double left = a[static_cast<std::size_t>(s.trans_a ? p * lda + i : i * lda + p)];
          const double right = b[static_cast<std::size_t>(s.trans_b ? j * ldb + p : p * ldb + j)];
          sum += left * right;
          size += std::abs(left * right);
        }
        const double want = -0.5 * sum + 2.0 * double{c[at]};
        ASSERT_NEAR(have[at], want, static_cast<double>(s.k + 4) * op_driver::kRounding * size)
            << where << " [" << i << ", " << j << "]";
      }
    }
  }

  Strides s;
  std::int64_t lda, ldb, ldc;
  std::vector<float> a, b, c;
};

std::vector<Strides> strided_cases() {
  std::vector<Strides> all;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const auto& [m, n, k] : {std::tuple<std::int64_t, std::int64_t, std::int64_t>{1, 1, 1},
                                    {5, 7, 3},
                                    {65, 17, 33},
                                    {70, 66, 40}})
        all.push_back({m, n, k, ta, tb});
    }
  }
  return all;
}

TEST(StridedProduct, ThreadsLeaveGapsAlone) {
  for (const Strides& s : strided_cases()) {
    const StridedCase c(s);
    std::vector<float> out = c.c;
    op_driver::multiply_as_threads(c.product(c.a.data(), c.b.data(), out.data()));
    c.compare(out, "as threads");
  }
}

TEST(StridedProductOnDevices, LeavesGapsAlone) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  ThreadPool pool(1);
  NoProgress progress;
  for (const Device device : devices) {
    const auto queue = open_device_queue(device);
    Context ctx{pool, progress, 0, {}};
    ctx.device = device;
    ctx.queue = queue.get();
    const auto moved = [&](const std::vector<float>& values) {
      return copy_to_device(ctx, Tensor::borrow(DType::kF32, {std::ssize(values)},
                                                reinterpret_cast<const std::byte*>(values.data())));
    };
    for (const Strides& s : strided_cases()) {
      const StridedCase c(s);
      const Tensor a = moved(c.a);
      const Tensor b = moved(c.b);
      Tensor out = moved(c.c);
      backends::cuda::multiply(*queue,
                               c.product(a.data<float>(), b.data<float>(), out.mutable_data<float>()));
      const Tensor back = copy_to_host(ctx, out);
      c.compare({back.data<float>(), back.data<float>() + back.numel()}, device_text(device));
    }
  }
}

}  // namespace
}  // namespace lq
