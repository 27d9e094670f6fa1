// A run of elements of a packed weight of any layout (backends/packed_view.h), as a CUDA thread decodes it:
// to the bits of backends/cpu.
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/nf_element.h"
#include "backends/cuda/tile_element.h"
#include "backends/cuda/trellis_element.h"
#include "backends/packed_view.h"

namespace lq::backends::cuda {

// Little-endian bytes of any alignment.
LQ_HOST_DEVICE inline float load_f32(const void* values, std::int64_t index) {
  return load_scale2(values, index, ScaleDType::kFp32);
}

LQ_HOST_DEVICE inline float load_dense(const DenseView& w, std::int64_t index) {
  switch (w.type) {
    case DenseType::kBf16:
      return load_scale2(w.data, index, ScaleDType::kBf16);
    case DenseType::kF16:
      return load_scale2(w.data, index, ScaleDType::kFp16);
    case DenseType::kF32:
      break;
  }
  return load_f32(w.data, index);
}

// Element k of row i of [.., cols].
LQ_HOST_DEVICE inline float load_int_row(const IntRowView& w, std::int64_t cols, std::int64_t i,
                                         std::int64_t k) {
  const std::uint8_t* const row = w.codes + i * ((cols * w.bits + 7) / 8);
  const std::int64_t at = k * w.bits;
  const int shift = static_cast<int>(at % 8);
  unsigned code = row[at / 8] >> shift;
  if (shift + w.bits > 8) code |= static_cast<unsigned>(row[at / 8 + 1]) << (8 - shift);
  const int value = static_cast<int>(code & ((1U << w.bits) - 1U)) - (1 << (w.bits - 1));
  return load_f32(w.scales, i) * static_cast<float>(value);
}

// out[i] = element begin + i of the matrix flattened row-major, for i < count. codebook: the values of
// w.codebook, wherever the caller keeps them (unused by other layouts). REQUIRES: the run lies in the matrix.
LQ_HOST_DEVICE inline void decode_run(const PackedView& w, const float* codebook, std::int64_t begin,
                                      int count, float* out) {
  switch (w.layout) {
    case PackedLayout::kDense:
      for (int i = 0; i < count; ++i) out[i] = load_dense(w.dense, begin + i);
      break;
    case PackedLayout::kCodebook:
      decode_nf_run(w.codebook, codebook, begin, count, out);
      break;
    case PackedLayout::kIntRow:
      for (int i = 0; i < count; ++i) {
        out[i] = load_int_row(w.int_row, w.cols, (begin + i) / w.cols, (begin + i) % w.cols);
      }
      break;
    case PackedLayout::kTrellis:
      for (int i = 0; i < count; ++i) {
        out[i] = load_trellis(w.trellis, w.cols, (begin + i) / w.cols, (begin + i) % w.cols);
      }
      break;
    case PackedLayout::kTiles:
      decode_tile_run(w.codebook, codebook, begin, count, out);
      break;
    case PackedLayout::kStored:
      break;  // never on a device: move_parts refuses it
  }
}

// Values of the codebook, 0 for layouts that have none.
LQ_HOST_DEVICE inline int codebook_size(const PackedView& w) {
  const bool has = w.layout == PackedLayout::kCodebook || w.layout == PackedLayout::kTiles;
  return has ? 1 << w.codebook.format.bits : 0;
}

}  // namespace lq::backends::cuda
