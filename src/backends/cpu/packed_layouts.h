// What the CPU has to know of a layout of packed weights: how to decode it, and how to multiply by it
// directly.
#pragma once

#include <cstdint>

#include "backends/packed_view.h"
#include "base/parallel.h"

namespace lq::backends {

struct PackedLayoutOps {
  // out[i] = element begin + i of the matrix flattened row-major, for i < count, in this thread. Reads
  // nothing outside the view's parts, whatever their bytes.
  void (*decode)(const PackedView& w, std::int64_t begin, std::int64_t count, float* out);
  // out[rows * cols] = the whole matrix; null: decode() of pieces will do.
  void (*decode_all)(ThreadPool& pool, const PackedView& w, float* out);
  // y[j, i] = sum_k w[i, k] x[j, k] for count <= kGemvVectors vectors, straight from the stored form; null:
  // by the general product. `coarse`: 8-bit activations are good enough (DecodePrecision::kFast). scratch:
  // few_scratch() floats, 32-byte aligned. The same bits on any number of threads.
  void (*few)(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t count, float* y,
              float* scratch, bool coarse);
  std::int64_t (*few_scratch)(const PackedView& w, std::int64_t count);  // null: none
};

// The table: one entry for each PackedLayout.
const PackedLayoutOps& packed_layout_ops(PackedLayout layout);

// The entries.
extern const PackedLayoutOps kDenseOps;     // packed_product.cc
extern const PackedLayoutOps kCodebookOps;  // packed_product.cc, over nf_codec.h and nf_gemv.h
extern const PackedLayoutOps kIntRowOps;    // int_row.cc
extern const PackedLayoutOps kStoredOps;    // stored_form.cc
extern const PackedLayoutOps kTrellisOps;   // trellis_gemv.cc, over trellis_codec.h

}  // namespace lq::backends
