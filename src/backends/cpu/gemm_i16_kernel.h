// Matrix products in 16-bit integers under common scales ("block floating point"): every 64 elements of a row
// of a and of a column of b along the inner dimension share a scale, that of their largest magnitude. The
// products of 64 are summed exactly in 32 bits, then scaled and summed in f32. Processors do twice as many
// such products an instruction as in f32, at two instructions.
//
// A value that is not finite makes every product with its 64 NaN.
#pragma once

#include <cstdint>

#include "backends/cpu/gemm_kernel.h"

namespace lq::backends {

inline constexpr std::int64_t kI16Slice = 64;

// The largest magnitudes that elements are rounded to: 64 products of such fit into 32 bits. Rounding errs by
// at most 1/(2 levels) of the largest of 64, for normal numbers by 9.2e-5 and 1.8e-4 of their root mean
// square.
inline constexpr std::int64_t kI16LevelsA = 8191;
inline constexpr std::int64_t kI16LevelsB = 4095;
static_assert(kI16Slice * kI16LevelsA * kI16LevelsB < std::int64_t{1} << 31);

// Panels: for each 64 of depth, [32, rows or columns] pairs of integers that follow each other in depth, then
// a scale (f32) for each row or column. Missing elements are zeros.
const GemmKernel& gemm_kernel_i16();

}  // namespace lq::backends
