#include "backends/cuda/weights.h"

#include "backends/cuda/decode_element.h"
#include "backends/cuda/folded_element.h"
#include "backends/cuda/launch.h"
#include "backends/cuda/product.h"

namespace lq::backends::cuda {
namespace {

constexpr int kWeightThreads = 256;

struct alignas(16) EightHalves {
  std::uint16_t value[kDecodeRun];
};

__device__ void store_eight(const std::uint16_t* values, std::int64_t left, bool aligned,
                            std::uint16_t* out) {
  if (left >= kDecodeRun && aligned) {
    EightHalves all;
    for (int i = 0; i < kDecodeRun; ++i) all.value[i] = values[i];
    *reinterpret_cast<EightHalves*>(out) = all;
    return;
  }
  for (int i = 0; i < kDecodeRun && i < left; ++i) out[i] = values[i];
}

// A copy of the codebook for each lane, so that lanes never wait for each other; one for all of 256 values.
template <int kBits>
__global__ void __launch_bounds__(kWeightThreads)
    decode_groups(NfView v, std::int64_t units, StridedRows to, std::uint16_t* out) {
  constexpr int kCopies = kBits == 8 ? 1 : kLanes;
  __shared__ float table[(1 << kBits) * kCopies];
  for (int e = static_cast<int>(threadIdx.x); e < (1 << kBits) * kCopies; e += kWeightThreads)
    table[e] = v.codebook[e / kCopies];
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x) % kCopies;
  const std::int64_t n = v.rows * v.cols;
  const bool one_row = to.stride == to.cols || v.cols % kNfGroup == 0;  // a group lies in one
  const bool runs = to.keeps_runs();
  const std::int64_t stride = std::int64_t{gridDim.x} * kWeightThreads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kWeightThreads + threadIdx.x; i < units; i += stride) {
    const std::int64_t group = i / decode_units(kBits) * kNfGroup;
    const std::int64_t gap = one_row ? to.place(group) - group : 0;
    decode_unit<kBits>(
        v, i, [&](unsigned code) { return table[static_cast<int>(code) * kCopies + lane]; },
        [&](std::int64_t at, const std::uint16_t* values) {
          if (runs) return store_eight(values, n - at, true, out + (one_row ? at + gap : to.place(at)));
          for (int e = 0; e < kDecodeRun && at + e < n; ++e) out[to.place(at + e)] = values[e];
        });
  }
}

template <int kBits>
void decode_codebook(DeviceQueue& queue, const NfView& v, std::int64_t row_stride, std::uint16_t* out) {
  const std::int64_t units = (v.rows * v.cols + kNfGroup - 1) / kNfGroup * decode_units(kBits);
  // Not capped: a grid that loops was up to 12 % slower than one block for each part.
  const auto grid = static_cast<unsigned>((units + kWeightThreads - 1) / kWeightThreads);
  const StridedRows to{v.cols, row_stride};
  decode_groups<kBits><<<grid, kWeightThreads, 0, use(queue)>>>(v, units, to, out);
  check(cudaGetLastError(), "decoding a weight");
}

template <int kBits>
__global__ void __launch_bounds__(kWeightThreads)
    decode_tiles(NfView v, std::int64_t lanes, std::uint16_t* out) {
  constexpr int kCopies = kBits == 8 ? 1 : kLanes;
  __shared__ float table[(1 << kBits) * kCopies];
  for (int e = static_cast<int>(threadIdx.x); e < (1 << kBits) * kCopies; e += kWeightThreads)
    table[e] = v.codebook[e / kCopies];
  __syncthreads();
  const std::int64_t i = std::int64_t{blockIdx.x} * kWeightThreads + threadIdx.x;
  if (i >= lanes) return;
  const int copy = static_cast<int>(threadIdx.x) % kCopies;
  decode_tile_lane<kBits>(
      v, tile_shape(v), i, [&](unsigned code) { return table[static_cast<int>(code) * kCopies + copy]; },
      [&](std::int64_t at, const std::uint16_t* values) {
        for (int run = 0; run < kLaneRun; run += kDecodeRun)
          store_eight(values + run, kDecodeRun, true, out + at + run);
      });
}

template <int kBits>
void decode_tiled(DeviceQueue& queue, const NfView& v, std::uint16_t* out) {
  const TileShape s = tile_shape(v);
  const std::int64_t lanes = s.tiles * s.groups * kLanes;
  const auto grid = static_cast<unsigned>((lanes + kWeightThreads - 1) / kWeightThreads);
  decode_tiles<kBits><<<grid, kWeightThreads, 0, use(queue)>>>(v, lanes, out);
  check(cudaGetLastError(), "decoding a weight");
}

// Runs of 8 elements of any layout.
struct DecodeAny {
  PackedView w;
  const float* codebook;
  StridedRows to;
  std::uint16_t* out;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t n = w.rows * w.cols;
    const std::int64_t at = i * kDecodeRun;
    const int count = static_cast<int>(n - at < kDecodeRun ? n - at : kDecodeRun);
    float values[kDecodeRun];
    decode_run(w, codebook, at, count, values);
    for (int e = 0; e < count; ++e) out[to.place(at + e)] = bf16_of_float(values[e]);
  }
};

struct Narrow {
  std::int64_t n;
  const float* x;
  std::uint16_t* out;
  bool aligned;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t at = i * kDecodeRun;
    std::uint16_t values[kDecodeRun];
    if (aligned && at + kDecodeRun <= n) {
      const float4 a = reinterpret_cast<const float4*>(x + at)[0];
      const float4 b = reinterpret_cast<const float4*>(x + at)[1];
      const float from[kDecodeRun] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
      for (int e = 0; e < kDecodeRun; ++e) values[e] = bf16_of_float(from[e]);
    } else {
      for (int e = 0; e < kDecodeRun && at + e < n; ++e) values[e] = bf16_of_float(x[at + e]);
    }
    store_eight(values, n - at, aligned, out + at);
  }
};

bool on_sixteen(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

}  // namespace

void narrow(DeviceQueue& queue, std::int64_t n, const float* x, std::uint16_t* out) {
  for_each(queue, "rounding to bf16", (n + kDecodeRun - 1) / kDecodeRun,
           Narrow{n, x, out, on_sixteen(x) && on_sixteen(out)});
}

void decode_bf16(DeviceQueue& queue, const PackedView& w, std::uint16_t* out, std::int64_t stride) {
  const std::int64_t n = w.rows * w.cols;
  if (n == 0) return;
  const bool groups = w.layout == PackedLayout::kCodebook && on_sixteen(w.codebook.codes) && on_sixteen(out);
  if (groups && w.codebook.format.bits == 2) return decode_codebook<2>(queue, w.codebook, stride, out);
  if (groups && w.codebook.format.bits == 3) return decode_codebook<3>(queue, w.codebook, stride, out);
  if (groups && w.codebook.format.bits == 4) return decode_codebook<4>(queue, w.codebook, stride, out);
  if (groups && w.codebook.format.bits == 8) return decode_codebook<8>(queue, w.codebook, stride, out);
  if (w.layout == PackedLayout::kTiles && on_sixteen(out) && stride == w.cols) {
    switch (w.codebook.format.bits) {
      case 2:
        return decode_tiled<2>(queue, w.codebook, out);
      case 3:
        return decode_tiled<3>(queue, w.codebook, out);
      case 4:
        return decode_tiled<4>(queue, w.codebook, out);
      default:
        return decode_tiled<8>(queue, w.codebook, out);
    }
  }
  for_each(queue, "decoding a weight", (n + kDecodeRun - 1) / kDecodeRun,
           DecodeAny{w, w.codebook.codebook, {w.cols, stride}, out});
}

const void* codes_of(const PackedView& w) {
  switch (w.layout) {
    case PackedLayout::kCodebook:
    case PackedLayout::kTiles:
      return w.codebook.codes;
    case PackedLayout::kTrellis:
      return w.trellis.codes;
    case PackedLayout::kIntRow:
      return w.int_row.codes;
    case PackedLayout::kDense:
    case PackedLayout::kStored:
      break;
  }
  return nullptr;
}

const std::uint16_t* weight_bf16(DeviceQueue& queue, const PackedView& w) {
  const std::int64_t n = w.rows * w.cols;
  if (w.layout == PackedLayout::kDense && w.dense.type == DenseType::kBf16 && on_sixteen(w.dense.data))
    return static_cast<const std::uint16_t*>(w.dense.data);
  if (const void* const codes = codes_of(w)) {
    const DecodedRing::Place place =
        queue.decoded.place(codes, static_cast<std::size_t>(n) * sizeof(std::uint16_t), release_count());
    if (place.fits) {
      auto* const at = reinterpret_cast<std::uint16_t*>(queue.decoded_bytes.data + place.offset);
      if (!place.there) decode_bf16(queue, w, at, w.cols);
      return at;
    }
  }
  auto* const out = buffer_of<std::uint16_t>(queue, Buffer::kWeight, n);
  if (w.layout == PackedLayout::kDense && w.dense.type == DenseType::kF32) {
    narrow(queue, n, static_cast<const float*>(w.dense.data), out);
  } else {
    decode_bf16(queue, w, out, w.cols);
  }
  return out;
}

const float* weight_f32(DeviceQueue& queue, const PackedView& w) {
  if (w.layout == PackedLayout::kDense && w.dense.type == DenseType::kF32)
    return static_cast<const float*>(w.dense.data);
  const std::int64_t n = w.rows * w.cols;
  auto* const out = buffer_of<float>(queue, Buffer::kWeight, n);
  packed_decode(queue, w, 0, n, out);
  return out;
}

}  // namespace lq::backends::cuda
