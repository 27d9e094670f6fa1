// The two running means of an optimizer, in f32 or in 8 bits a value.
//
// 8 bits: blocks of kMomentBlock values share an f32 scale, the largest magnitude among them; a code names
// one of 256 values of a table that is dense near zero (Dettmers et al., "8-bit Optimizers via Block-wise
// Quantization", ICLR 2022, section 2: dynamic tree quantization). The same table and block as bitsandbytes.
#pragma once

#include <cstdint>

#include "ops/adamw.h"

namespace lq {

// Smaller parameters keep f32 moments: they cost little, and are the sensitive ones (norms).
constexpr std::int64_t kSmallestPacked = 4096;

// Rising values in [-1, 1] (a signed table) or [0, 1]; 0 and 1 are among them.
MomentTable dynamic_table(bool is_signed);
// The code of 0 in it.
std::uint8_t code_of_zero(const MomentTable& table);

}  // namespace lq
