// backends/cuda/tile_rows.cu's kernel on the processor: every tile, warp, lane and tensor core's product.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "backends/cuda/tile_rows_element.h"
#include "backends/few_rows_twin.h"

namespace lq::backends {

template <int kBits>
void tile_rows_as_warps(const NfView& v, const float* x, int rows, float* y) {
  const cuda::TileShape s = cuda::tile_shape(v);
  std::vector<std::uint16_t> ordered(static_cast<std::size_t>(v.cols * cuda::kTileCols));
  std::vector<float> undo;
  for (int row = 0; row < rows; ++row) {
    const float* const from = x + row * v.cols;
    const float factor = cuda::row_factor(cuda::largest_of_thread(v.cols, from, 0, 1));
    undo.push_back(1.0F / factor);
    cuda::order_row<8>(v.cols, from, row, factor, 0, 1, ordered.data());
  }
  std::vector<std::uint16_t> halves;
  for (int code = 0; code < 1 << kBits; ++code) halves.push_back(cuda::half_of_float(v.codebook[code]));
  alignas(16) static std::uint32_t table[cuda::byte_table_words(kBits)];
  for (int e = 0; e < cuda::byte_table_words(kBits); ++e)
    table[e] = cuda::byte_table_word<kBits>(halves.data(), e);
  for (std::int64_t tile = 0; tile < s.tiles; ++tile) {
    cuda::LaneSums total[32] = {};
    for (int warp = 0; warp < cuda::kFewWarps; ++warp) {
      cuda::LaneSums sums[32] = {};
      for (std::int64_t chunk = warp; chunk < s.chunks; chunk += cuda::kFewWarps) {
        const int groups = cuda::groups_of_chunk(s, chunk);
        const std::uint8_t* const pieces = v.codes + cuda::chunk_place(s, kBits, tile, chunk);
        for (int group = 0; group < groups; ++group) {
          std::uint32_t values[2][32][cuda::kPairs];
          float scales[2][32];
          for (int lane = 0; lane < 32; ++lane) {
            cuda::ChunkCodes<kBits> codes = {};
            cuda::load_chunk<kBits>(
                groups, lane, [&](int at, std::uint32_t* words) { std::memcpy(words, pieces + at, 16); },
                codes);
            const cuda::ChunkScales of = cuda::load_chunk_scales(v, s, tile, chunk, lane);
            for (int lower = 0; lower < 2; ++lower) {
              cuda::run_values<kBits>(cuda::chunk_run<kBits>(codes, lower, group), table, lane,
                                      values[lower][lane]);
              scales[lower][lane] = cuda::chunk_scale_of(v, s, of, tile, chunk, lane, lower, group);
            }
          }
          cuda::LaneSums products[32] = {};
          for (int i = 0; i < cuda::kPairs; i += 2) {
            std::uint32_t left[32][4];
            std::uint32_t right[32][2];
            for (int lane = 0; lane < 32; ++lane) {
              const int row = std::min(lane / 4, rows - 1);
              for (int p = 0; p < 2; ++p) {
                left[lane][2 * p] = values[0][lane][i + p];
                left[lane][2 * p + 1] = values[1][lane][i + p];
                const auto at = static_cast<std::size_t>(
                    cuda::ordered_place(chunk * cuda::kChunkGroups + group, row, lane % 4, i + p, 0));
                right[lane][p] = cuda::pair_of_halves(ordered[at], ordered[at + 1]);
              }
            }
            multiply_fragments_of_warp(left, right, products);
          }
          for (int lane = 0; lane < 32; ++lane)
            cuda::add_group(products[lane], scales[0][lane], scales[1][lane], sums[lane]);
        }
      }
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < 4; ++i) total[lane].sum[i] += sums[lane].sum[i];
      }
    }
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < 4; ++i) {
        const cuda::MatrixPlace at = cuda::sum_place(lane, i);
        const std::int64_t row = tile * cuda::kTileSide + at.row;
        if (row < v.rows && at.col < rows)
          y[at.col * v.rows + row] = total[lane].sum[i] * undo[static_cast<std::size_t>(at.col)];
      }
    }
  }
}

inline void tile_rows_as_warps(const NfView& v, const float* x, int rows, float* y) {
  switch (v.format.bits) {
    case 2:
      return tile_rows_as_warps<2>(v, x, rows, y);
    case 3:
      return tile_rows_as_warps<3>(v, x, rows, y);
    case 4:
      return tile_rows_as_warps<4>(v, x, rows, y);
    default:
      return tile_rows_as_warps<8>(v, x, rows, y);
  }
}

}  // namespace lq::backends
