// A whole packed matrix to bf16, as CUDA threads share it (weights.cu): a thread has one unit, the 8 bytes of
// codes that lie together, and writes runs of 8 elements, each within one block of scales.
#pragma once

#include <cstdint>

#include "backends/cuda/half_element.h"
#include "backends/cuda/host_device.h"
#include "backends/cuda/packed_element.h"

namespace lq::backends::cuda {

inline constexpr int kDecodeRun = 8;

// Units of a group of 64 codes: of 3 bits, each of the two has its 8 bytes of low bits and reads the high
// ones that go with them.
LQ_HOST_DEVICE constexpr int decode_units(int bits) { return bits == 8 ? 8 : bits == 4 ? 4 : 2; }
LQ_HOST_DEVICE constexpr int decode_runs(int bits) { return bits == 8 ? 1 : bits == 4 ? 2 : 4; }

// The place in its group of the first element of run `run` of unit `unit`.
LQ_HOST_DEVICE constexpr int decode_place(int bits, int unit, int run) {
  return kDecodeRun * unit + (bits == 4 ? 32 : 16) * run;
}

// The codes of one run: code i in byte i of the two words.
struct RunCodes {
  std::uint32_t low, high;
};

template <int kBits>
struct UnitCodes {
  std::uint32_t word[2];  // of the unit
  std::uint32_t top[2];   // of the group: third bits
};

// REQUIRES: codes of groups lie on multiples of 8 bytes.
template <int kBits>
LQ_HOST_DEVICE inline UnitCodes<kBits> load_unit(const std::uint8_t* group, int unit) {
  UnitCodes<kBits> u = {};
  u.word[0] = load_word(group + 8 * unit);
  u.word[1] = load_word(group + 8 * unit + 4);
  if (kBits == 3) {
    u.top[0] = load_word(group + 16);
    u.top[1] = load_word(group + 20);
  }
  return u;
}

// Bit i of `bits` as bit 2 of byte i.
LQ_HOST_DEVICE inline std::uint32_t spread_third_bits(std::uint32_t bits) {
  return (bits & 1U) << 2 | (bits & 2U) << 9 | (bits & 4U) << 16 | (bits & 8U) << 23;
}

template <int kBits>
LQ_HOST_DEVICE inline RunCodes run_codes(const UnitCodes<kBits>& u, int unit, int run) {
  if (kBits == 8) return {u.word[0], u.word[1]};
  if (kBits == 4) return {u.word[0] >> (4 * run) & 0x0f0f0f0fU, u.word[1] >> (4 * run) & 0x0f0f0f0fU};
  RunCodes codes = {u.word[0] >> (2 * run) & 0x03030303U, u.word[1] >> (2 * run) & 0x03030303U};
  if (kBits == 3) {
    // The run's 8 third bits are byte 2 run + unit of the 8 bytes behind the codes.
    const std::uint32_t bits = u.top[run / 2] >> (16 * (run % 2) + 8 * unit) & 0xffU;
    codes.low |= spread_third_bits(bits);
    codes.high |= spread_third_bits(bits >> 4);
  }
  return codes;
}

// Elements of run `run`, rounded to bf16. value(code) gives the codebook's.
template <typename Value>
LQ_HOST_DEVICE inline void decode_run_bf16(const RunCodes& codes, float scale, const Value& value,
                                           std::uint16_t out[kDecodeRun]) {
  for (int i = 0; i < 4; ++i) {
    out[i] = bf16_of_float(value(codes.low >> (8 * i) & 0xffU) * scale);
    out[4 + i] = bf16_of_float(value(codes.high >> (8 * i) & 0xffU) * scale);
  }
}

// Unit `index` of the whole matrix (decode_units(kBits) of each group), n elements in all.
// store(at, values): elements [at, at + 8) of the matrix, of which those below n exist.
template <int kBits, typename Value, typename Store>
LQ_HOST_DEVICE inline void decode_unit(const NfView& v, std::int64_t index, const Value& value,
                                       const Store& store) {
  constexpr int kUnits = decode_units(kBits);
  const std::int64_t group = index / kUnits;
  const int unit = static_cast<int>(index % kUnits);
  const std::int64_t n = v.rows * v.cols;
  const UnitCodes<kBits> codes = load_unit<kBits>(v.codes + group * 8 * kBits, unit);
  for (int run = 0; run < decode_runs(kBits); ++run) {
    const std::int64_t at = group * kNfGroup + decode_place(kBits, unit, run);
    if (at >= n) continue;
    std::uint16_t out[kDecodeRun];
    decode_run_bf16(run_codes<kBits>(codes, unit, run), restore_scale(v, at / v.format.block), value, out);
    store(at, out);
  }
}

}  // namespace lq::backends::cuda
