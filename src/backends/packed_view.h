// A weight matrix as a product takes it, whatever it is stored as: plain pointers that a kernel of any device
// can be given. Which layout means what is said beside its view; how it is decoded is each backend's business
// (backends/cpu/packed_layouts.h). A new layout: its view here, and its line in the table of each backend
// that computes on it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/nf_view.h"
#include "backends/trellis_view.h"
#include "tensor/device.h"

namespace lq {
class StoredForm;  // tensor/tensor_view.h
}

namespace lq::backends {

// kTiles: a codebook's codes and first-level scales in another order, on CUDA devices only
// (backends/cuda/tile_element.h); the view is `codebook`.
enum class PackedLayout : std::uint8_t { kDense, kCodebook, kIntRow, kTrellis, kStored, kTiles };

enum class DenseType { kF32, kBf16, kF16 };

// Values as they are, row after row, little-endian, of any alignment.
struct DenseView {
  const void* data = nullptr;  // [rows, cols] of `type`
  DenseType type = DenseType::kF32;
};

// Whole numbers under one scale a row: value[i, k] = scales[i] * (code[i, k] - 2^(bits - 1)), one rounding.
struct IntRowView {
  // [rows, ceil(cols * bits / 8)]: a row's codes from the lowest bit of its first byte on, low bits first.
  const std::uint8_t* codes = nullptr;
  const void* scales = nullptr;  // [rows] f32, of any alignment
  int bits = 0;                  // of a code: 1 to 8
};

// Elements as another program's file has them (ggml's types): its form decodes them, on the processor only.
struct StoredView {
  const StoredForm* form = nullptr;
  const std::byte* data = nullptr;
};

// Borrowed. Only the view that `layout` names counts.
struct PackedView {
  PackedLayout layout = PackedLayout::kDense;
  std::int64_t rows = 0;  // outputs
  std::int64_t cols = 0;  // inputs
  Device device = {};     // where all of its pointers lead
  DenseView dense = {};
  NfView codebook = {};
  IntRowView int_row = {};
  TrellisView trellis = {};
  StoredView stored = {};
};

}  // namespace lq::backends
