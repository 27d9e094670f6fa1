// Products of few rows; the arithmetic and the maps are few_rows_element.h's.
#include "backends/cuda/few_rows_element.h"
#include "backends/cuda/few_rows_kernels.h"
#include "backends/cuda/fragments.h"
#include "backends/cuda/launch.h"
#include "backends/cuda/product.h"
#include "backends/cuda/trellis_rows_element.h"

namespace lq::backends::cuda {
namespace {

// One block a row of x: its largest, then all of it in order. factors[row]: what undoes the row's factor.
template <int kBits>
__global__ void __launch_bounds__(kFewThreads)
    order_rows(std::int64_t cols, const float* x, std::uint16_t* ordered, float* factors) {
  __shared__ float largest[kFewThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const int row = static_cast<int>(blockIdx.x);
  const float* const from = x + row * cols;
  largest[thread] = largest_of_thread(cols, from, thread, kFewThreads);
  __syncthreads();
  for (int half = kFewThreads / 2; half > 0; half /= 2) {
    if (thread < half) {
      const float other = largest[thread + half];
      largest[thread] = other <= largest[thread] ? largest[thread] : other;
    }
    __syncthreads();
  }
  const float factor = row_factor(largest[0]);
  if (thread == 0) factors[row] = 1.0F / factor;
  order_row<kBits>(cols, from, row, factor, thread, kFewThreads, ordered);
}

template <int kBits>
struct LaneRows {
  LaneCodes<kBits> upper, lower;  // of rows lane / 4 and that + 8 of the tile
};

template <int kBits>
__device__ LaneRows<kBits> load_rows(const NfView& v, std::int64_t upper, std::int64_t lower,
                                     std::int64_t group, int t) {
  const std::int64_t groups = v.cols / kNfGroup;
  return {load_lane<kBits>(v.codes + (upper * groups + group) * 8 * kBits, t),
          load_lane<kBits>(v.codes + (lower * groups + group) * 8 * kBits, t)};
}

template <int kBits, bool kWholeBlocks>
__global__ void __launch_bounds__(kFewThreads)
    multiply_codes(const __grid_constant__ FewTogether all, const std::uint16_t* ordered,
                   const float* factors, int rows) {
  __shared__ std::uint32_t table[pair_entries(kBits) * pair_copies(kBits)];
  __shared__ float shares[kFewWarps][kLanes][4];
  const BlockPlace place_of_block = place_among(all.shares, blockIdx.x);
  const FewProduct& product = all.product[place_of_block.share];
  const NfView& v = product.w.codebook;
  for (int e = static_cast<int>(threadIdx.x); e < pair_entries(kBits) * pair_copies(kBits); e += kFewThreads)
    table[e] = pair_entry(v.codebook, kBits, e / pair_copies(kBits));
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int warp = static_cast<int>(threadIdx.x) / kLanes;
  const int t = lane % kQuad;
  const int copy = lane % pair_copies(kBits);
  const std::int64_t groups = v.cols / kNfGroup;
  const std::int64_t tiles = (v.rows + kTileRows - 1) / kTileRows;
  for (std::int64_t tile = place_of_block.block; tile < tiles; tile += place_of_block.blocks) {
    // Rows past the last are the last again: their sums are not written.
    const std::int64_t last = v.rows - 1;
    std::int64_t upper = tile * kTileRows + lane / kQuad;
    std::int64_t lower = upper + 8;
    upper = upper < last ? upper : last;
    lower = lower < last ? lower : last;
    LaneSums sums = {};
    LaneRows<kBits> next = {};
    if (warp < groups) next = load_rows<kBits>(v, upper, lower, warp, t);
    for (std::int64_t group = warp; group < groups; group += kFewWarps) {
      const LaneRows<kBits> now = next;
      if (group + kFewWarps < groups) next = load_rows<kBits>(v, upper, lower, group + kFewWarps, t);
      uint4 x0 = make_uint4(0, 0, 0, 0);
      uint4 x1 = x0;
      if (lane / kQuad < rows) {
        const auto* const from =
            reinterpret_cast<const uint4*>(ordered + ordered_place(group, lane / kQuad, t, 0, 0));
        x0 = __ldg(from);
        x1 = __ldg(from + 1);
      }
      const std::uint32_t right[kPairs] = {x0.x, x0.y, x0.z, x0.w, x1.x, x1.y, x1.z, x1.w};
      const GroupScales upper_scales = group_scales(v, upper * groups + group);
      const GroupScales lower_scales = group_scales(v, lower * groups + group);
      std::uint32_t a[kPairs];
      std::uint32_t b[kPairs];
      lane_values<kBits, kWholeBlocks>(now.upper, upper_scales, table, copy, t, a);
      lane_values<kBits, kWholeBlocks>(now.lower, lower_scales, table, copy, t, b);
      LaneSums products = {};
      for (int i = 0; i < kPairs; i += 2) {
        const std::uint32_t left[4] = {a[i], b[i], a[i + 1], b[i + 1]};
        multiply_fragments(left, right[i], right[i + 1], products);
      }
      add_group(products, upper_scales.whole, lower_scales.whole, sums);
    }
    for (int i = 0; i < 4; ++i) shares[warp][lane][i] = sums.sum[i];
    __syncthreads();
    if (threadIdx.x < kLanes * 4) {
      const int of = static_cast<int>(threadIdx.x) / 4;
      const int i = static_cast<int>(threadIdx.x) % 4;
      float sum = 0.0F;
      for (int w = 0; w < kFewWarps; ++w) sum += shares[w][of][i];
      const MatrixPlace place = sum_place(of, i);
      const std::int64_t row = tile * kTileRows + place.row;
      if (row < v.rows && place.col < rows) {
        store_few(product.alpha, product.accumulate, sum * factors[place.col],
                  product.y + place.col * v.rows + row);
      }
    }
    __syncthreads();
  }
}

// Of products with one x, one number of bits and one kind of blocks.
template <int kBits>
void multiply_codebooks(DeviceQueue& queue, FewTogether& all, int count, int rows) {
  const NfView& v = all.product[0].w.codebook;
  const OrderedRows x = order_few_rows(queue, kBits, all.product[0].x, rows, v.cols);
  const cudaStream_t stream = use(queue);
  std::int64_t tiles[kMostFewProducts] = {};
  for (int i = 0; i < count; ++i) tiles[i] = (all.product[i].w.rows + kTileRows - 1) / kTileRows;
  all.shares = share_blocks(tiles, count, std::int64_t{queue.processors} * 4);
  const unsigned grid = all.shares.first[count];
  if (v.format.block == kNfGroup) {
    multiply_codes<kBits, true><<<grid, kFewThreads, 0, stream>>>(all, x.x, x.factors, rows);
  } else {
    multiply_codes<kBits, false><<<grid, kFewThreads, 0, stream>>>(all, x.x, x.factors, rows);
  }
  check(cudaGetLastError(), "a product of few rows");
}

// A warp a row of w; layouts that need a codebook share it.
struct DecodeSome {
  const PackedView& w;
  const float* codebook;
  __device__ void operator()(std::int64_t at, int count, float* out) const {
    decode_run(w, codebook, at, count, out);
  }
};

// Four dense values at once, where they are aligned.
template <DenseType kType>
struct LoadFour {
  const void* data;
  __device__ void operator()(std::int64_t at, int /*count*/, float* out) const {
    if (kType == DenseType::kF32) {
      const float4 v = __ldg(reinterpret_cast<const float4*>(static_cast<const float*>(data) + at));
      out[0] = v.x;
      out[1] = v.y;
      out[2] = v.z;
      out[3] = v.w;
    } else {
      const uint2 v = __ldg(reinterpret_cast<const uint2*>(static_cast<const std::uint16_t*>(data) + at));
      const std::uint32_t halves[4] = {v.x & 0xffffU, v.x >> 16, v.y & 0xffffU, v.y >> 16};
      for (int e = 0; e < 4; ++e)
        out[e] = kType == DenseType::kBf16 ? float_of_bf16(halves[e]) : float_of_half(halves[e]);
    }
  }
};

template <typename Decode>
__device__ void few_rows_of_warp(const FewProduct& product, std::int64_t block, int rows,
                                 const Decode& decode) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t row = block * kFewWarps + static_cast<std::int64_t>(threadIdx.x) / kLanes;
  if (row >= product.w.rows) return;  // the whole warp
  const FewSums sums = few_sums_of_lane(product.w.cols, product.x, rows, row, lane, decode);
  for (int r = 0; r < rows; ++r) {
    const float sum = warp_sum(sums.sum[r]);
    if (lane == 0) store_few(product.alpha, product.accumulate, sum, product.y + r * product.w.rows + row);
  }
}

__global__ void __launch_bounds__(kFewThreads)
    multiply_any(const __grid_constant__ FewTogether all, int rows) {
  __shared__ float codebook[256];
  const BlockPlace at = place_among(all.shares, blockIdx.x);
  const FewProduct& product = all.product[at.share];
  for (int k = static_cast<int>(threadIdx.x); k < codebook_size(product.w); k += kFewThreads)
    codebook[k] = product.w.codebook.codebook[k];
  __syncthreads();
  few_rows_of_warp(product, at.block, rows, DecodeSome{product.w, codebook});
}

template <DenseType kType>
__global__ void __launch_bounds__(kFewThreads)
    multiply_dense(const __grid_constant__ FewTogether all, int rows) {
  const BlockPlace at = place_among(all.shares, blockIdx.x);
  const FewProduct& product = all.product[at.share];
  few_rows_of_warp(product, at.block, rows, LoadFour<kType>{product.w.dense.data});
}

bool on_sixteen(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

// Which kernel takes a product; those of one kind, and of codes one x, go together.
struct Kind {
  enum Way { kCodes, kTiled, kTrellis, kDense, kAny } way = kAny;
  int bits = 0;                      // of codes, in tiles too
  bool whole_blocks = false;         // of codes: blocks of whole groups
  DenseType type = DenseType::kF32;  // of dense values
  const float* x = nullptr;          // of codes, in tiles too
};

bool same(const Kind& a, const Kind& b) {
  return a.way == b.way && a.bits == b.bits && a.whole_blocks == b.whole_blocks && a.type == b.type &&
         a.x == b.x;
}

Kind kind_of(const DeviceQueue& queue, const FewProduct& p, bool coarse) {
  Kind kind;
  const NfView& v = p.w.codebook;
  if (coarse && p.w.layout == PackedLayout::kTiles && queue.capability >= 80) {
    kind.way = Kind::kTiled;
    kind.bits = v.format.bits;
    kind.x = p.x;
    return kind;
  }
  const TrellisView& trellis = p.w.trellis;
  if (coarse && p.w.layout == PackedLayout::kTrellis && queue.capability >= 80 &&
      takes_trellis(trellis, p.w.rows, p.w.cols) && on_sixteen(trellis.codes) &&
      on_sixteen(trellis.scales2)) {
    kind.way = Kind::kTrellis;
    kind.bits = trellis.bits;
    kind.whole_blocks = trellis.block != 32;
    kind.x = p.x;
    return kind;
  }
  const int bits = p.w.layout == PackedLayout::kCodebook ? v.format.bits : 0;
  if (coarse && (bits == 2 || bits == 3 || bits == 4 || bits == 8) && queue.capability >= 80 &&
      takes_tiles(v) && on_sixteen(v.codes) && on_sixteen(v.scales2)) {
    kind.way = Kind::kCodes;
    kind.bits = bits;
    kind.whole_blocks = v.format.block == kNfGroup;
    kind.x = p.x;
  } else if (p.w.layout == PackedLayout::kDense && p.w.cols % kFewRun == 0 && on_sixteen(p.w.dense.data)) {
    kind.way = Kind::kDense;
    kind.type = p.w.dense.type;
  }
  return kind;
}

void multiply_together(DeviceQueue& queue, const Kind& kind, FewTogether& all, int count, int rows) {
  if (kind.way == Kind::kTrellis) return multiply_trellises(queue, all, count, rows);
  if (kind.way == Kind::kTiled) return multiply_tiled(queue, all, count, rows);
  if (kind.way == Kind::kCodes) {
    switch (kind.bits) {
      case 2:
        return multiply_codebooks<2>(queue, all, count, rows);
      case 3:
        return multiply_codebooks<3>(queue, all, count, rows);
      case 4:
        return multiply_codebooks<4>(queue, all, count, rows);
      default:
        return multiply_codebooks<8>(queue, all, count, rows);
    }
  }
  std::int64_t blocks[kMostFewProducts] = {};
  for (int i = 0; i < count; ++i) blocks[i] = (all.product[i].w.rows + kFewWarps - 1) / kFewWarps;
  all.shares = share_blocks(blocks, count, std::int64_t{1} << 30);  // one for each part
  const unsigned grid = all.shares.first[count];
  const cudaStream_t stream = use(queue);
  if (kind.way == Kind::kAny) {
    multiply_any<<<grid, kFewThreads, 0, stream>>>(all, rows);
  } else if (kind.type == DenseType::kF32) {
    multiply_dense<DenseType::kF32><<<grid, kFewThreads, 0, stream>>>(all, rows);
  } else if (kind.type == DenseType::kBf16) {
    multiply_dense<DenseType::kBf16><<<grid, kFewThreads, 0, stream>>>(all, rows);
  } else {
    multiply_dense<DenseType::kF16><<<grid, kFewThreads, 0, stream>>>(all, rows);
  }
  check(cudaGetLastError(), "a product of few rows");
}

template <int kBits>
OrderedRows order_rows_for(DeviceQueue& queue, const float* x, int rows, std::int64_t cols) {
  constexpr int kFactors = 64;  // halves that the factors take, in front
  auto* const room = buffer_of<std::uint16_t>(queue, Buffer::kRows, cols * kTileCols + kFactors);
  auto* const factors = reinterpret_cast<float*>(room);
  order_rows<kBits>
      <<<static_cast<unsigned>(rows), kFewThreads, 0, use(queue)>>>(cols, x, room + kFactors, factors);
  check(cudaGetLastError(), "few rows in order");
  return {room + kFactors, factors};
}

}  // namespace

OrderedRows order_few_rows(DeviceQueue& queue, int bits, const float* x, int rows, std::int64_t cols) {
  switch (bits) {
    case 2:
      return order_rows_for<2>(queue, x, rows, cols);
    case 3:
      return order_rows_for<3>(queue, x, rows, cols);
    case 4:
      return order_rows_for<4>(queue, x, rows, cols);
    default:
      return order_rows_for<8>(queue, x, rows, cols);
  }
}

void few_rows(DeviceQueue& queue, const FewProduct* products, int count, std::int64_t rows, bool coarse) {
  if (rows == 0) return;
  bool done[kMostFewProducts] = {};
  for (int i = 0; i < count; ++i) {
    if (done[i] || products[i].w.rows == 0) continue;
    const Kind kind = kind_of(queue, products[i], coarse);
    FewTogether all;
    int together = 0;
    for (int j = i; j < count; ++j) {
      if (done[j] || products[j].w.rows == 0 || !same(kind, kind_of(queue, products[j], coarse))) continue;
      all.product[together++] = products[j];
      done[j] = true;
    }
    multiply_together(queue, kind, all, together, static_cast<int>(rows));
  }
}

}  // namespace lq::backends::cuda
