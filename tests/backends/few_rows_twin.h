// backends/cuda/few_rows.cu's kernels on the processor: every tile, warp, lane and tensor core's product.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "backends/cuda/few_rows_element.h"

namespace lq::backends {

// sums += left right, lane by lane, as m16n8k16 does: registers of two halves each.
inline void multiply_fragments_of_warp(const std::uint32_t left[32][4], const std::uint32_t right[32][2],
                                       cuda::LaneSums sums[32]) {
  float a[16][16];
  float b[16][8];
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 8; ++i) {
      const cuda::MatrixPlace at = cuda::left_place(lane, i);
      a[at.row][at.col] = cuda::float_of_half(left[lane][i / 2] >> (16 * (i % 2)) & 0xffffU);
    }
    for (int i = 0; i < 4; ++i) {
      const cuda::MatrixPlace at = cuda::right_place(lane, i);
      b[at.row][at.col] = cuda::float_of_half(right[lane][i / 2] >> (16 * (i % 2)) & 0xffffU);
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const cuda::MatrixPlace at = cuda::sum_place(lane, i);
      float sum = 0.0F;
      for (int k = 0; k < 16; ++k) sum += a[at.row][k] * b[k][at.col];
      sums[lane].sum[i] += sum;
    }
  }
}

template <int kBits, bool kWholeBlocks>
void few_rows_as_warps(const NfView& v, const float* x, int rows, float* y) {
  constexpr int kThreads = 256;
  const std::int64_t groups = v.cols / kNfGroup;
  std::vector<std::uint16_t> ordered(static_cast<std::size_t>(v.cols * cuda::kTileCols));
  std::vector<float> undo(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row) {
    float largest = 0.0F;
    for (int t = 0; t < kThreads; ++t)
      largest = std::max(largest, cuda::largest_of_thread(v.cols, x + row * v.cols, t, kThreads));
    const float factor = cuda::row_factor(largest);
    undo[static_cast<std::size_t>(row)] = 1.0F / factor;
    for (int t = 0; t < kThreads; ++t)
      cuda::order_row<kBits>(v.cols, x + row * v.cols, row, factor, t, kThreads, ordered.data());
  }
  std::vector<std::uint32_t> table;
  for (int e = 0; e < cuda::pair_entries(kBits) * cuda::pair_copies(kBits); ++e)
    table.push_back(cuda::pair_entry(v.codebook, kBits, e / cuda::pair_copies(kBits)));
  for (std::int64_t tile = 0; tile < (v.rows + 15) / 16; ++tile) {
    cuda::LaneSums total[32] = {};
    for (int warp = 0; warp < cuda::kFewWarps; ++warp) {
      cuda::LaneSums sums[32] = {};
      for (std::int64_t group = warp; group < groups; group += cuda::kFewWarps) {
        std::uint32_t values[2][32][cuda::kPairs];
        cuda::GroupScales scales[2][32];
        for (int lane = 0; lane < 32; ++lane) {
          for (int half = 0; half < 2; ++half) {
            const std::int64_t row = std::min(tile * 16 + lane / 4 + 8 * half, v.rows - 1);
            const std::int64_t at = row * groups + group;
            scales[half][lane] = cuda::group_scales(v, at);
            const auto codes = cuda::load_lane<kBits>(v.codes + at * 8 * kBits, lane % 4);
            cuda::lane_values<kBits, kWholeBlocks>(codes, scales[half][lane], table.data(),
                                                   lane % cuda::pair_copies(kBits), lane % 4,
                                                   values[half][lane]);
          }
        }
        cuda::LaneSums products[32] = {};
        for (int i = 0; i < cuda::kPairs; i += 2) {
          std::uint32_t left[32][4];
          std::uint32_t right[32][2] = {};
          for (int lane = 0; lane < 32; ++lane) {
            left[lane][0] = values[0][lane][i];
            left[lane][1] = values[1][lane][i];
            left[lane][2] = values[0][lane][i + 1];
            left[lane][3] = values[1][lane][i + 1];
            if (lane / 4 >= rows) continue;
            for (int p = 0; p < 2; ++p) {
              const auto at =
                  static_cast<std::size_t>(cuda::ordered_place(group, lane / 4, lane % 4, i + p, 0));
              right[lane][p] = cuda::pair_of_halves(ordered[at], ordered[at + 1]);
            }
          }
          multiply_fragments_of_warp(left, right, products);
        }
        for (int lane = 0; lane < 32; ++lane)
          cuda::add_group(products[lane], scales[0][lane].whole, scales[1][lane].whole, sums[lane]);
      }
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < 4; ++i) total[lane].sum[i] += sums[lane].sum[i];
      }
    }
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < 4; ++i) {
        const cuda::MatrixPlace at = cuda::sum_place(lane, i);
        const std::int64_t row = tile * 16 + at.row;
        if (row < v.rows && at.col < rows)
          y[at.col * v.rows + row] = total[lane].sum[i] * undo[static_cast<std::size_t>(at.col)];
      }
    }
  }
}

inline void few_rows_as_warps(const NfView& v, const float* x, int rows, float* y) {
  const bool whole = v.format.block == kNfGroup;
  switch (v.format.bits) {
    case 2:
      return whole ? few_rows_as_warps<2, true>(v, x, rows, y) : few_rows_as_warps<2, false>(v, x, rows, y);
    case 3:
      return whole ? few_rows_as_warps<3, true>(v, x, rows, y) : few_rows_as_warps<3, false>(v, x, rows, y);
    case 4:
      return whole ? few_rows_as_warps<4, true>(v, x, rows, y) : few_rows_as_warps<4, false>(v, x, rows, y);
    default:
      return whole ? few_rows_as_warps<8, true>(v, x, rows, y) : few_rows_as_warps<8, false>(v, x, rows, y);
  }
}

}  // namespace lq::backends
