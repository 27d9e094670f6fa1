// Products of few rows from codes in tiles; the arithmetic and the maps are tile_rows_element.h's.
#include "backends/cuda/few_rows_kernels.h"
#include "backends/cuda/fragments.h"
#include "backends/cuda/launch.h"
#include "backends/cuda/tile_rows_element.h"

namespace lq::backends::cuda {
namespace {

constexpr int kBlocksEach = 3;     // blocks that a multiprocessor holds: 85 registers a thread
constexpr int kSums = kLanes * 4;  // of a tile

// What a warp has of a chunk before it multiplies.
template <int kBits>
struct Loaded {
  ChunkCodes<kBits> codes;
  ChunkScales scales;
};

template <int kBits>
__device__ void load_ahead(const NfView& v, const TileShape& s, std::int64_t tile, std::int64_t chunk,
                           int lane, Loaded<kBits>& out) {
  const std::uint8_t* const pieces = v.codes + chunk_place(s, kBits, tile, chunk);
  load_chunk<kBits>(
      groups_of_chunk(s, chunk), lane,
      [&](int at, std::uint32_t words[kPieceWords]) {
        const uint4 all = __ldg(reinterpret_cast<const uint4*>(pieces + at));
        words[0] = all.x;
        words[1] = all.y;
        words[2] = all.z;
        words[3] = all.w;
      },
      out.codes);
  out.scales = load_chunk_scales(v, s, tile, chunk, lane);
}

// A block has whole tiles, one after the other; its warps share a tile's chunks and are summed in their
// order. While one chunk is multiplied the next is on its way, the next tile's first too.
template <int kBits>
__global__ void __launch_bounds__(kFewThreads, kBlocksEach)
    multiply_tile_rows(const __grid_constant__ FewTogether all, OrderedRows x, int rows) {
  constexpr bool kAhead = kBits != 8;  // of 8 bits a chunk fills the registers alone
  __shared__ TwoPairs room[byte_table_words(kBits) / 2];
  __shared__ std::uint16_t halves[1 << kBits];
  __shared__ float shares[2][kFewWarps][kSums];  // the second while the first is read
  std::uint32_t* const table = room[0].pair;
  const BlockPlace at = place_among(all.shares, blockIdx.x);
  const FewProduct& product = all.product[at.share];
  const NfView& v = product.w.codebook;
  const TileShape s = tile_shape(v);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kLanes;
  const int warp = thread / kLanes;
  Loaded<kBits> next = {};
  if (kAhead && at.block < s.tiles && warp < s.chunks) load_ahead<kBits>(v, s, at.block, warp, lane, next);
  if (thread < 1 << kBits) halves[thread] = half_of_float(v.codebook[thread]);
  __syncthreads();
  for (int e = thread; e < byte_table_words(kBits); e += kFewThreads)
    table[e] = byte_table_word<kBits>(halves, e);
  __syncthreads();
  // Lanes of rows that x lacks take its last: their sums are not written.
  const int row_of_x = lane / kQuad < rows ? lane / kQuad : rows - 1;
  const std::uint16_t* const x_of_lane = x.x + ordered_place(0, row_of_x, lane % kQuad, 0, 0);
  int turn = 0;
  // In 32 bits, which are half the registers.
  const int chunks = static_cast<int>(s.chunks);
  const int tiles = static_cast<int>(s.tiles);
  const int stride = static_cast<int>(at.blocks);
  for (int tile = static_cast<int>(at.block); tile < tiles; tile += stride) {
    LaneSums sums = {};
    for (int chunk = warp; chunk < chunks; chunk += kFewWarps) {
      if (!kAhead) load_ahead<kBits>(v, s, tile, chunk, lane, next);
      const Loaded<kBits> now = next;
      if (kAhead) {
        const bool more = chunk + kFewWarps < chunks;
        const int next_tile = more ? tile : tile + stride;
        const int next_chunk = more ? chunk + kFewWarps : warp;
        if (next_tile < tiles) load_ahead<kBits>(v, s, next_tile, next_chunk, lane, next);
      }
      const int groups = groups_of_chunk(s, chunk);
#pragma unroll
      for (int group = 0; group < kChunkGroups; ++group) {
        if (group >= groups) break;
        const auto* const from =
            reinterpret_cast<const uint4*>(x_of_lane + (chunk * kChunkGroups + group) * kGroupHalves);
        const uint4 x0 = __ldg(from);
        const uint4 x1 = __ldg(from + 1);
        const std::uint32_t right[kPairs] = {x0.x, x0.y, x0.z, x0.w, x1.x, x1.y, x1.z, x1.w};
        std::uint32_t a[kPairs];
        std::uint32_t b[kPairs];
        run_values<kBits>(chunk_run<kBits>(now.codes, 0, group), table, lane, a);
        run_values<kBits>(chunk_run<kBits>(now.codes, 1, group), table, lane, b);
        LaneSums products = {};
        for (int i = 0; i < kPairs; i += 2) {
          const std::uint32_t left[4] = {a[i], b[i], a[i + 1], b[i + 1]};
          multiply_fragments(left, right[i], right[i + 1], products);
        }
        add_group(products, chunk_scale_of(v, s, now.scales, tile, chunk, lane, 0, group),
                  chunk_scale_of(v, s, now.scales, tile, chunk, lane, 1, group), sums);
      }
    }
    for (int i = 0; i < 4; ++i) shares[turn][warp][lane * 4 + i] = sums.sum[i];
    __syncthreads();
    if (thread < kSums) {
      float sum = 0.0F;
      for (int w = 0; w < kFewWarps; ++w) sum += shares[turn][w][thread];
      const MatrixPlace place = sum_place(thread / 4, thread % 4);
      const std::int64_t row = tile * kTileSide + place.row;
      if (row < v.rows && place.col < rows) {
        store_few(product.alpha, product.accumulate, sum * x.factors[place.col],
                  product.y + place.col * v.rows + row);
      }
    }
    turn = 1 - turn;  // who writes to that place next has passed the barrier behind this sum
  }
}

template <int kBits>
void multiply_tiled_of(DeviceQueue& queue, FewTogether& all, int count, int rows) {
  const OrderedRows x = order_few_rows(queue, 8, all.product[0].x, rows, all.product[0].w.cols);
  std::int64_t tiles[kMostFewProducts] = {};
  for (int i = 0; i < count; ++i) tiles[i] = tile_shape(all.product[i].w.codebook).tiles;
  all.shares = share_tiles(tiles, count, std::int64_t{queue.processors} * kBlocksEach);
  multiply_tile_rows<kBits><<<all.shares.first[count], kFewThreads, 0, use(queue)>>>(all, x, rows);
  check(cudaGetLastError(), "a product of few rows");
}

}  // namespace

void multiply_tiled(DeviceQueue& queue, FewTogether& all, int count, int rows) {
  switch (all.product[0].w.codebook.format.bits) {
    case 2:
      return multiply_tiled_of<2>(queue, all, count, rows);
    case 3:
      return multiply_tiled_of<3>(queue, all, count, rows);
    case 4:
      return multiply_tiled_of<4>(queue, all, count, rows);
    default:
      return multiply_tiled_of<8>(queue, all, count, rows);
  }
}

}  // namespace lq::backends::cuda
