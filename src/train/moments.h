// The two running means of an optimizer, in f32 or in 8 bits a value.
//
// 8 bits: blocks of 256 values share an f32 scale, the largest magnitude among them; a code names one of 256
// values of a table that is dense near zero (Dettmers et al., "8-bit Optimizers via Block-wise Quantization",
// ICLR 2022, section 2: dynamic tree quantization). The same table and block as bitsandbytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tensor/tensor.h"

namespace lq {

constexpr std::int64_t kMomentBlock = 256;
// Smaller parameters keep f32 moments: they cost little, and are the sensitive ones (norms).
constexpr std::int64_t kSmallestPacked = 4096;

// Rising values in [-1, 1] (a signed table) or [0, 1]; 0 and 1 are among them.
class DynamicTable {
 public:
  explicit DynamicTable(bool is_signed);
  float value(std::uint8_t code) const { return values_[code]; }
  // Of the nearest value; the upper one where two are as near.
  std::uint8_t nearest(float x) const;

 private:
  std::array<float, 256> values_;
  std::array<float, 256> middles_;  // between value i and i + 1; the last is above all
};

// codes and values are of one block (at most kMomentBlock).
void decode_block(const DynamicTable& table, const std::uint8_t* codes, float scale, std::int64_t count,
                  float* values);
// Returns the block's scale.
float encode_block(const DynamicTable& table, const float* values, std::int64_t count, std::uint8_t* codes);

}  // namespace lq
