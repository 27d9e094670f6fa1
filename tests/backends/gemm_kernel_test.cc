// The pieces of a matrix product: what packing puts where, and a block's sums against double.
#include "backends/cpu/gemm_kernel.h"

#include <gtest/gtest.h>

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>

#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

std::int64_t up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

hwy::AlignedFreeUniquePtr<float[]> aligned(std::int64_t n) {
  auto p = hwy::AllocateAligned<float>(static_cast<std::size_t>(n));
  std::fill_n(p.get(), n, 99.0F);
  return p;
}

TEST(GemmKernel, PackingPutsPanelsInOrderAndZerosBehind) {
  const std::int64_t width = gemm_panel_cols();
  for (const bool trans : {false, true}) {
    for (const std::int64_t count :
         {std::int64_t{1}, kGemmRows, kGemmRows + 1, width - 1, width, 2 * width + 3}) {
      for (const std::int64_t depth : {1, 5, 16, 33}) {
        const std::int64_t ld = (trans ? count : depth) + 2;
        const auto a = normals(static_cast<std::size_t>((trans ? depth : count) * ld), 1);
        const auto at = [&](std::int64_t i, std::int64_t k) {
          return a[static_cast<std::size_t>(trans ? k * ld + i : i * ld + k)];
        };
        const auto packed = aligned(up(count, kGemmRows) * depth);
        gemm_pack_a(trans, count, depth, a.data(), ld, packed.get());
        for (std::int64_t i = 0; i < up(count, kGemmRows); ++i) {
          for (std::int64_t k = 0; k < depth; ++k) {
            const float have = packed[i / kGemmRows * kGemmRows * depth + k * kGemmRows + i % kGemmRows];
            ASSERT_EQ(have, i < count ? at(i, k) : 0.0F) << trans << ' ' << count << ' ' << depth;
          }
        }
        // The same numbers as columns of b: its "trans" is the other way round.
        const std::int64_t stride = width * depth + 16;
        const auto columns = aligned(up(count, width) / width * stride);
        gemm_pack_b(!trans, depth, count, a.data(), ld, columns.get(), stride);
        for (std::int64_t j = 0; j < up(count, width); ++j) {
          for (std::int64_t k = 0; k < depth; ++k) {
            const float have = columns[j / width * stride + k * width + j % width];
            ASSERT_EQ(have, j < count ? at(j, k) : 0.0F) << trans << ' ' << count << ' ' << depth;
          }
        }
      }
    }
  }
}

TEST(GemmKernel, BlocksOfEveryRemainder) {
  const std::int64_t width = gemm_panel_cols();
  for (const std::int64_t rows : {1, 5, 6, 13}) {
    for (const std::int64_t cols : {std::int64_t{1}, width - 1, width, width + 5}) {
      for (const float beta : {0.0F, 1.0F, -0.5F}) {
        const std::int64_t depth = 19;
        const auto a = normals(static_cast<std::size_t>(rows * depth), 1);
        const auto b = normals(static_cast<std::size_t>(depth * cols), 2);
        const auto pa = aligned(up(rows, kGemmRows) * depth);
        const auto pb = aligned(up(cols, width) * depth);
        gemm_pack_a(false, rows, depth, a.data(), depth, pa.get());
        gemm_pack_b(false, depth, cols, b.data(), cols, pb.get(), width * depth);
        const std::int64_t ldc = cols + 3;
        auto c = normals(static_cast<std::size_t>(rows * ldc), 3);
        const auto was = c;
        if (beta == 0.0F) {  // not read
          for (std::int64_t i = 0; i < rows; ++i) {
            for (std::int64_t j = 0; j < cols; ++j) c[static_cast<std::size_t>(i * ldc + j)] = std::nanf("");
          }
        }
        gemm_block(rows, cols, depth, 0.75F, pa.get(), pb.get(), width * depth, beta, c.data(), ldc);
        for (std::int64_t i = 0; i < rows; ++i) {
          for (std::int64_t j = 0; j < ldc; ++j) {
            const auto e = static_cast<std::size_t>(i * ldc + j);
            if (j >= cols) {
              ASSERT_EQ(c[e], was[e]);
              continue;
            }
            double sum = beta * double{was[e]};
            double sizes = std::abs(sum);
            for (std::int64_t k = 0; k < depth; ++k) {
              const double term = 0.75 * a[static_cast<std::size_t>(i * depth + k)] *
                                  double{b[static_cast<std::size_t>(k * cols + j)]};
              sum += term;
              sizes += std::abs(term);
            }
            ASSERT_NEAR(c[e], sum, 1e-6 * sizes) << rows << 'x' << cols << " beta " << beta;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace lq::backends
