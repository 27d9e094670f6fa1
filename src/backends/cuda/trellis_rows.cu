// Products of few rows from trellis codes; the arithmetic and the maps are trellis_rows_element.h's.
#include "backends/cuda/few_rows_kernels.h"
#include "backends/cuda/fragments.h"
#include "backends/cuda/launch.h"
#include "backends/cuda/tile_rows_element.h"
#include "backends/cuda/trellis_rows_element.h"

namespace lq::backends::cuda {
namespace {

constexpr int kTrellisEach = 4;           // blocks that a multiprocessor holds: 64 registers a thread
constexpr int kTrellisSums = kLanes * 4;  // of 16 rows

// A block has whole tiles' rows, one after the other; its warps share the groups of 64 columns and are summed
// in their order. kShort: blocks of 32 columns, else a group has one scale.
template <int kBits, bool kShort>
__global__ void __launch_bounds__(kFewThreads, kTrellisEach)
    multiply_trellis(const __grid_constant__ FewTogether all, OrderedRows x, int rows) {
  constexpr int kScaled = kShort ? kGroupTiles / 2 : kGroupTiles;  // tiles under one scale
  __shared__ float shares[2][kFewWarps][kTrellisSums];             // the second while the first is read
  const BlockPlace at = place_among(all.shares, blockIdx.x);
  const FewProduct& product = all.product[at.share];
  const TrellisView& v = product.w.trellis;
  const std::int64_t groups = product.w.cols / kNfGroup;
  const std::int64_t blocks = (product.w.cols + v.block - 1) / v.block;
  const int bands = static_cast<int>((product.w.rows + kTrellisSide - 1) / kTrellisSide);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kLanes;
  const int warp = thread / kLanes;
  const int row_of_x = lane / kQuad < rows ? lane / kQuad : rows - 1;
  const int shift = v.block == 256 ? 8 : v.block == 128 ? 7 : v.block == 64 ? 6 : 5;
  int turn = 0;
  for (int band = static_cast<int>(at.block); band < bands; band += static_cast<int>(at.blocks)) {
    // Rows past the last are the last again: their sums are not written.
    const std::int64_t last = product.w.rows - 1;
    const std::int64_t first = std::int64_t{band} * kTrellisSide + lane / kQuad;
    const std::int64_t upper = (first < last ? first : last) * blocks;
    const std::int64_t lower = (first + 8 < last ? first + 8 : last) * blocks;
    const std::uint8_t* const codes = v.codes + band * groups * kGroupTiles * (32 * kBits);
    LaneSums sums = {};
    for (int group = warp; group < groups; group += kFewWarps) {
      const std::uint8_t* const tiles = codes + std::int64_t{group} * kGroupTiles * (32 * kBits);
      LaneSums products = {};
#pragma unroll
      for (int tile = 0; tile < kGroupTiles; ++tile) {
        const uint2 right =
            __ldg(reinterpret_cast<const uint2*>(x.x + tile_x_place(group, tile, row_of_x, lane % kQuad)));
        std::uint32_t left[4];
        tile_values<kBits>(tiles + tile * (32 * kBits), v.state_bits, lane, left);
        multiply_fragments(left, right.x, right.y, products);
        if (tile % kScaled != kScaled - 1) continue;
        const int block = (group * kNfGroup + tile * kTrellisSide) >> shift;
        add_group(products, coarse_trellis_scale(v, upper + block), coarse_trellis_scale(v, lower + block),
                  sums);
        products = {};
      }
    }
    for (int i = 0; i < 4; ++i) shares[turn][warp][lane * 4 + i] = sums.sum[i];
    __syncthreads();
    if (thread < kTrellisSums) {
      float sum = 0.0F;
      for (int w = 0; w < kFewWarps; ++w) sum += shares[turn][w][thread];
      const MatrixPlace place = sum_place(thread / 4, thread % 4);
      const std::int64_t row = std::int64_t{band} * kTrellisSide + place.row;
      if (row < product.w.rows && place.col < rows) {
        store_few(product.alpha, product.accumulate, sum * x.factors[place.col],
                  product.y + place.col * product.w.rows + row);
      }
    }
    turn = 1 - turn;  // who writes to that place next has passed the barrier behind this sum
  }
}

template <int kBits>
void multiply_trellis_of(DeviceQueue& queue, FewTogether& all, int count, int rows) {
  const PackedView& w = all.product[0].w;
  const OrderedRows x = order_few_rows(queue, 8, all.product[0].x, rows, w.cols);
  std::int64_t bands[kMostFewProducts] = {};
  for (int i = 0; i < count; ++i) bands[i] = (all.product[i].w.rows + kTrellisSide - 1) / kTrellisSide;
  all.shares = share_tiles(bands, count, std::int64_t{queue.processors} * kTrellisEach);
  const unsigned grid = all.shares.first[count];
  const cudaStream_t stream = use(queue);
  if (w.trellis.block == 32) {
    multiply_trellis<kBits, true><<<grid, kFewThreads, 0, stream>>>(all, x, rows);
  } else {
    multiply_trellis<kBits, false><<<grid, kFewThreads, 0, stream>>>(all, x, rows);
  }
  check(cudaGetLastError(), "a product of few rows");
}

}  // namespace

void multiply_trellises(DeviceQueue& queue, FewTogether& all, int count, int rows) {
  switch (all.product[0].w.trellis.bits) {
    case 2:
      return multiply_trellis_of<2>(queue, all, count, rows);
    case 3:
      return multiply_trellis_of<3>(queue, all, count, rows);
    default:
      return multiply_trellis_of<4>(queue, all, count, rows);
  }
}

}  // namespace lq::backends::cuda
