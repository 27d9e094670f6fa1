// The sums that calibration gathers: on every device, and as CUDA threads share them.
#include <gtest/gtest.h>

#include <cmath>

#include "backends/cuda/moment_element.h"
#include "ops/fisher_sum.h"
#include "ops/op_driver.h"
#include "ops/symmetric_sum.h"
#include "reference/numbers.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;
using reference::normals;

// Rows and columns around the strips of 64 (up to 512) and 256, and beyond what is made at once.
std::vector<std::int64_t> widths() { return {1, 63, 64, 65, 130, 520, 1030}; }

struct SumCase {
  std::int64_t rows, n;
  std::vector<float> x;
  std::vector<double> want, bounds;  // [n, n]
  SumCase(std::int64_t r, std::int64_t width)
      : rows(r), n(width), x(normals(static_cast<std::size_t>(r * width), 3)) {
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0.0;
        double size = 0.0;
        for (std::int64_t t = 0; t < rows; ++t) {
          const double product =
              double{x[static_cast<std::size_t>(t * n + i)]} * x[static_cast<std::size_t>(t * n + j)];
          sum += product;
          size += std::abs(product);
        }
        want.push_back(sum);
        bounds.push_back((static_cast<double>(rows) + 6) * op_driver::kRounding * size);
      }
    }
  }
  void compare(const std::vector<float>& have, double times, const std::string& where) const {
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_TRUE(std::abs(double{have[i]} - times * want[i]) <= times * bounds[i])
          << where << " " << n << " [" << i << "]: " << have[i] << " instead of " << times * want[i];
    }
  }
};

TEST(MomentDevices, EveryPlaceOfATriangleIsItsOwn) {
  for (const std::int64_t n : widths()) {
    const SymmetricSum sum(n);
    const std::int64_t tile = n <= 512 ? 64 : 256;
    std::vector<int> hit(static_cast<std::size_t>(sum.state().numel()));
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        const std::int64_t at = cuda::triangle_place(n, tile, i, j);
        if (j <= i) {
          ASSERT_GE(at, 0) << n << " " << i << " " << j;
        }
        if (at >= 0) ++hit.at(static_cast<std::size_t>(at));
      }
    }
    for (const int h : hit) ASSERT_EQ(h, 1) << n;
  }
}

// The kernel's threads write where the processor's sum reads.
TEST(MomentDevices, ThreadsAddToATriangle) {
  for (const std::int64_t n : widths()) {
    const SumCase c(5, n);
    SymmetricSum sum(n);
    const std::int64_t tile = n <= 512 ? 64 : 256;
    std::vector<float> product(c.want.begin(), c.want.end());
    const cuda::AddTriangle add{n, tile, 0, n, product.data(), sum.state().mutable_data<double>()};
    for (std::int64_t i = 0; i < n * n; ++i) add(i);
    ThreadPool pool(1);
    std::vector<float> have(c.want.size());
    sum.write(pool, 1.0, have.data());
    c.compare(have, 1.0, "as threads");
  }
}

TEST(MomentDevices, ThreadsShareSquares) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    const auto g = normals(static_cast<std::size_t>(rows * cols), 7);
    for (std::int64_t r = 0; r < rows; ++r) {
      double want = 0.0;
      double have = 0.0;
      for (std::int64_t j = 0; j < cols; ++j)
        want += std::pow(double{g[static_cast<std::size_t>(r * cols + j)]}, 2);
      for (int t = 0; t < cuda::kMomentThreads; ++t)
        have += cuda::row_squares_of_thread(cols, g.data() + r * cols, t);
      EXPECT_NEAR(have, want, 1e-12 * want);
      std::vector<float> scaled(static_cast<std::size_t>(cols), NAN);
      for (int t = 0; t < cuda::kMomentThreads; ++t)
        cuda::scale_by_norm_of_thread(cols, g.data() + r * cols, want, t, scaled.data());
      for (std::int64_t j = 0; j < cols; ++j) {
        const double expected = std::sqrt(want) * g[static_cast<std::size_t>(r * cols + j)];
        EXPECT_NEAR(scaled[static_cast<std::size_t>(j)], expected,
                    4 * op_driver::kRounding * std::abs(expected));
      }
    }
    for (std::int64_t j = 0; j < cols; ++j) {
      double want = 0.0;
      double have = 0.0;
      for (std::int64_t r = 0; r < rows; ++r)
        want += std::pow(double{g[static_cast<std::size_t>(r * cols + j)]}, 2);
      for (int s = 0; s < cuda::kMomentShares; ++s)
        have += cuda::column_squares_share(rows, cols, g.data(), j, s);
      EXPECT_NEAR(have, want, 1e-12 * want);
    }
  }
}

struct DeviceCase {
  explicit DeviceCase(Device device) : queue(open_device_queue(device)) {
    ctx.device = device;
    ctx.queue = queue.get();
  }
  ThreadPool pool{2};
  NoProgress progress;
  std::unique_ptr<DeviceQueue, CloseDeviceQueue> queue;
  Context ctx{pool, progress, 0, {}};
  Tensor moved(const std::vector<float>& values, std::int64_t rows) {
    return copy_to_device(ctx, Tensor::borrow(DType::kF32, {rows, std::ssize(values) / rows},
                                              reinterpret_cast<const std::byte*>(values.data())));
  }
};

TEST(MomentDevices, SymmetricSumsOfEveryDevice) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  for (const Device device : devices) {
    DeviceCase d(device);
    for (const std::int64_t n : widths()) {
      const SumCase c(7, n);
      Workspace ws(device, empty_tensor);
      SymmetricSum sum(d.ctx, n);
      const Tensor x = d.moved(c.x, c.rows);
      sum.add(d.ctx, ws, const_matrix_of(x));
      sum.add(d.ctx, ws, const_matrix_of(x));
      sum.to_host(d.ctx);
      std::vector<float> have(c.want.size());
      sum.write(d.pool, 1.0, have.data());
      c.compare(have, 2.0, device_text(device));
    }
  }
}

TEST(MomentDevices, FisherSumsOfEveryDevice) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  const std::vector<std::int64_t> starts = {0, 3, 3, 11};
  for (const Device device : devices) {
    DeviceCase d(device);
    const std::vector<std::pair<std::int64_t, std::int64_t>> shapes = {
        {1, 1}, {17, 70}, {1040, 33}, {64, 600}};
    for (const auto& shape : shapes) {
      const std::int64_t rows = shape.first;
      const std::int64_t cols = shape.second;
      const auto x = normals(static_cast<std::size_t>(11 * cols), 1);
      const auto dy = normals(static_cast<std::size_t>(11 * rows), 2);
      FisherSum want(rows, cols, true);
      for (std::int64_t job = 0; job < want.jobs(); ++job)
        want.run_job(d.pool, job, x.data(), dy.data(), starts);
      Workspace ws(device, empty_tensor);
      FisherSum have(d.ctx, rows, cols, true);
      const Tensor inputs = d.moved(x, 11);
      const Tensor outputs = d.moved(dy, 11);
      have.add(d.ctx, ws, const_matrix_of(inputs), const_matrix_of(outputs), starts);
      have.to_host(d.ctx);
      // Sums of squares in f32 on the processor, in double on the device, of products of f32.
      const auto near = [&](std::span<const double> a, std::span<const double> b, const char* what) {
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t i = 0; i < a.size(); ++i)
          ASSERT_NEAR(a[i], b[i], 1e-5 * b[i] + 1e-9)
              << what << " " << rows << " x " << cols << " [" << i << "]";
      };
      near(have.row_sums(), want.row_sums(), "rows");
      near(have.col_sums(), want.col_sums(), "columns");
      double largest = 0.0;
      for (const double f : want.full()) largest = std::max(largest, f);
      for (std::size_t i = 0; i < want.full().size(); ++i)
        ASSERT_NEAR(have.full()[i], want.full()[i], 1e-5 * largest);
      const Tensor scaled = scaled_by_norms(d.ctx, const_matrix_of(inputs), const_matrix_of(outputs));
      const Tensor back = copy_to_host(d.ctx, scaled);
      for (std::int64_t t = 0; t < 11; ++t) {
        double squares = 0.0;
        for (std::int64_t i = 0; i < rows; ++i)
          squares += std::pow(double{dy[static_cast<std::size_t>(t * rows + i)]}, 2);
        for (std::int64_t j = 0; j < cols; ++j) {
          const double expected = std::sqrt(squares) * x[static_cast<std::size_t>(t * cols + j)];
          ASSERT_NEAR(back.data<float>()[t * cols + j], expected,
                      4 * op_driver::kRounding * std::abs(expected));
        }
      }
    }
  }
}

}  // namespace
}  // namespace lq
