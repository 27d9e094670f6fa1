// Which of two decompositions is better on inputs that neither of them was fitted to (docs/method.md,
// "What errors cost"): for some layers diagonal weights are as good as the full second moment, or better.
#pragma once

#include <cstdint>
#include <span>

#include "decompose/decompose.h"
#include "quant/packed_matrix.h"
#include "tensor/context.h"

namespace lq {

// tr(E R E^T) / tr(W R W^T), E = W - Q - L1 L2: the share of the layer's output, squared, that is lost on
// inputs with second moment R. w: [rows, cols] f32; q and d: of w, as decompose() and pack_decomposition()
// give them; r: [cols, cols] f32, finite. 0 where W R W^T is 0. Memory: two arrays of w's size. The same bits
// on any number of threads. On a context of a device it is computed there: w, r and two arrays of w's size.
double held_out_error(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                      const PackedMatrix& q, const Decomposition& d, std::span<const float> r);

}  // namespace lq
