// Plain views of a NormalFloat matrix and its codebook, as the kernels of every device take them. What the
// bytes mean is said in docs/formats/packed.md; quant/codebook/codebook_reference.h is the codec that defines
// it.
#pragma once

#include <cstdint>

namespace lq::backends {

// Type of a second-level scale (b1). The order is that of the sweep's configurations.
enum class ScaleDType : std::uint8_t { kBf16, kFp16, kFp32 };

// Codes and first-level scale codes are packed in whole groups of this many.
inline constexpr int kNfGroup = 64;
// Cells of equal width that cover [-1, 1]; fine enough that no two midpoints of an 8-bit codebook share one.
inline constexpr int kNfCells = 1040;

// A codebook of at most 4 bits as whole numbers, for coarse products (backends/cpu/int8_gemv.h): value[c] is
// about low + step * levels[c].
struct NfGemvLevels {
  alignas(16) std::uint8_t levels[16];
  float low;
  float step;
  float relative;   // rms error of a value over the rms value
  int activations;  // x is rounded to [-activations, activations]: 2 * activations * largest level < 2^15
};

// A codebook with what a quantizer needs to find the nearest code. Filled by
// quant/codebook/codebook.h.
struct NfCodebook {
  float values[256];     // ascending; 2^bits of them
  float midpoints[255];  // (values[k] + values[k + 1]) / 2 in f32
  int bits;              // 2, 3, 4, 5, 6 or 8
  int zero;              // the code of x = 0
  // x lies in cell clamp(trunc(x * 512 + 520), 0, kNfCells - 1), which is monotone in x. An entry holds the
  // bits of the midpoint in its cell (+inf where there is none) in its low half, and the number of midpoints
  // in the cells below in its high half: the code of x is that number, and one more where x > midpoint.
  std::uint64_t cells[kNfCells];
  // The same for values: the midpoint in a cell, and the nearest value of an x up to it and of one above; 0.
  float nearest[kNfCells][4];
  NfGemvLevels gemv_levels;  // up to 4 bits
};

// How a matrix is quantized: a configuration of the sweep (b, b0, b1, B0, B1) and a codebook of b bits.
struct NfFormat {
  int bits;           // b: 2, 3, 4, 5, 6, 8
  int scale_bits;     // b0: 2, 3, 4, 8
  ScaleDType scale2;  // b1
  int block;          // B0: 16, 32, 64 weights share a first-level scale
  int block2;         // B1: 16, 64, 256 first-level scales share a second-level scale
};

// A packed matrix, borrowed. The matrix is flattened row-major: blocks and groups may cross rows.
struct NfView {
  const std::uint8_t* codes;   // ceil(rows * cols / 64) groups of 8 * bits bytes
  const std::uint8_t* scales;  // ceil(blocks / 64) groups of 8 * scale_bits bytes
  const void* scales2;         // ceil(blocks / block2) values, of any alignment
  float offset;                // o: added to every first-level scale
  NfFormat format;
  std::int64_t rows;
  std::int64_t cols;
  const float* codebook;  // 2^bits values, 64 bytes readable at least
  // The codebook's, for coarse products; null: there are none.
  const NfGemvLevels* gemv_levels = nullptr;
};

}  // namespace lq::backends
