#include "quant/ggml/block_kind.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/float16.h"
#include "quant/ggml/block_fields.h"

namespace lq::ggml {
namespace {

constexpr float kLargestF16 = 65504.0F;

constexpr std::array kBlockKinds = {
    BlockKind{.type = GgmlType::kQ2_K,
              .parameters = "q2_k",
              .weights = 256,
              .sub = 16,
              .least = true,
              .codes = 4,
              .scale_high = 15,
              .without = GgmlType::kIq4Nl},
    BlockKind{.type = GgmlType::kQ3_K,
              .parameters = "q3_k",
              .weights = 256,
              .sub = 16,
              .codes = 8,
              .zero = 4,
              .scale_low = -32,
              .scale_high = 31,
              .without = GgmlType::kIq4Nl},
    BlockKind{.type = GgmlType::kIq4Xs,
              .parameters = "iq4_xs",
              .weights = 256,
              .sub = 32,
              .table = true,
              .scale_low = -32,
              .scale_high = 31,
              .without = GgmlType::kIq4Nl},
    BlockKind{.type = GgmlType::kQ4_0, .parameters = "q4_0", .zero = 8},
    BlockKind{.type = GgmlType::kIq4Nl, .parameters = "iq4_nl", .table = true},
    BlockKind{.type = GgmlType::kQ4_K,
              .parameters = "q4_k",
              .weights = 256,
              .least = true,
              .scale_high = 63,
              .without = GgmlType::kQ5_0},
    BlockKind{.type = GgmlType::kQ4_1, .parameters = "q4_1", .least = true},
    BlockKind{.type = GgmlType::kQ5_0, .parameters = "q5_0", .codes = 32, .zero = 16},
    BlockKind{.type = GgmlType::kQ5_K,
              .parameters = "q5_k",
              .weights = 256,
              .least = true,
              .codes = 32,
              .scale_high = 63,
              .without = GgmlType::kQ5_1},
    BlockKind{.type = GgmlType::kQ5_1, .parameters = "q5_1", .least = true, .codes = 32},
    BlockKind{.type = GgmlType::kQ6_K,
              .parameters = "q6_k",
              .weights = 256,
              .sub = 16,
              .codes = 64,
              .zero = 32,
              .scale_low = -128,
              .scale_high = 127,
              .without = GgmlType::kQ8_0},
    BlockKind{.type = GgmlType::kQ8_0, .parameters = "q8_0", .codes = 255, .zero = 127},
};

float half_rounded(float x) { return to_float(to_f16(std::clamp(x, -kLargestF16, kLargestF16))); }

void put16(std::uint8_t* out, float x) {
  const std::uint16_t bits = to_f16(x).bits;
  out[0] = static_cast<std::uint8_t>(bits & 255U);
  out[1] = static_cast<std::uint8_t>(bits >> 8U);
}

void add_bits(std::uint8_t& byte, unsigned value, int shift) {
  byte = static_cast<std::uint8_t>(byte | (value << shift));
}

// 32 codes: their low 4 bits in 16 bytes, the fifth ones, where there are, in 4 bytes before.
void put_half_codes(const std::uint8_t* codes, std::uint8_t* low, std::uint8_t* fifth) {
  for (int i = 0; i < 32; ++i) {
    add_bits(low[i % 16], codes[i] & 15U, i < 16 ? 0 : 4);
    if (fifth != nullptr) add_bits(fifth[i / 8], codes[i] >> 4U, i % 8);
  }
}

// Codes of a super-block: the low `bits` (2 or 4) of weight i of each group of 32 bytes.
void put_group_codes(const std::uint8_t* codes, int bits, std::uint8_t* out) {
  const int in_byte = 8 / bits;
  for (int i = 0; i < 256; ++i) {
    const int group = i / (32 * in_byte);
    const int place = i % (32 * in_byte) / 32;
    add_bits(out[32 * group + i % 32], codes[i] & ((1U << bits) - 1U), bits * place);
  }
}

// Scales and least values of 6 bits, eight of each, in 12 bytes (super_blocks.cc, sub_scale).
void put_pairs6(const BlockScales& s, std::uint8_t* out) {
  for (int i = 0; i < 8; ++i) {
    const auto scale = static_cast<unsigned>(s.scale[static_cast<std::size_t>(i)]);
    const auto least = static_cast<unsigned>(s.least[static_cast<std::size_t>(i)]);
    if (i < 4) {
      add_bits(out[i], scale, 0);
      add_bits(out[i + 4], least, 0);
    } else {
      add_bits(out[i + 4], scale & 15U, 0);
      add_bits(out[i + 4], least & 15U, 4);
      add_bits(out[i - 4], scale >> 4U, 6);
      add_bits(out[i], least >> 4U, 6);
    }
  }
}

void put_q3_k(const BlockScales& s, const std::uint8_t* codes, std::uint8_t* out) {
  for (int i = 0; i < 256; ++i) add_bits(out[i % 32], codes[i] >> 2U, i / 32);
  put_group_codes(codes, 2, out + 32);
  for (int i = 0; i < 16; ++i) {
    const auto scale = static_cast<unsigned>(s.scale[static_cast<std::size_t>(i)] + 32);
    add_bits(out[96 + i % 8], scale & 15U, i < 8 ? 0 : 4);
    add_bits(out[104 + i % 4], scale >> 4U, 2 * (i / 4));
  }
  put16(out + 108, s.d);
}

void put_q6_k(const BlockScales& s, const std::uint8_t* codes, std::uint8_t* out) {
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128;
    const int at = i % 128;
    add_bits(out[64 * half + at % 64], codes[i] & 15U, at < 64 ? 0 : 4);
    add_bits(out[128 + 32 * half + at % 32], codes[i] >> 4U, 2 * (at / 32));
  }
  for (int i = 0; i < 16; ++i) {
    out[192 + i] = static_cast<std::uint8_t>(static_cast<std::int8_t>(s.scale[static_cast<std::size_t>(i)]));
  }
  put16(out + 208, s.d);
}

void put_iq4_xs(const BlockScales& s, const std::uint8_t* codes, std::uint8_t* out) {
  put16(out, s.d);
  for (int sub = 0; sub < 8; ++sub) {
    const auto scale = static_cast<unsigned>(s.scale[static_cast<std::size_t>(sub)] + 32);
    add_bits(out[2 + sub / 4], scale >> 4U, 2 * (sub % 4));
    add_bits(out[4 + sub / 2], scale & 15U, 4 * (sub % 2));
    put_half_codes(codes + 32 * sub, out + 8 + 16 * sub, nullptr);
  }
}

}  // namespace

std::span<const BlockKind> block_kinds() { return kBlockKinds; }

const BlockKind& block_kind(GgmlType type) {
  const auto at = std::ranges::find(kBlockKinds, type, &BlockKind::type);
  LQ_CHECK(at != kBlockKinds.end(), kInternal, "[ggml] {} is not encoded", type_info(type).name);
  return *at;
}

const BlockKind* fitting_kind(const BlockKind& kind, std::int64_t cols) {
  const BlockKind& fits = cols % kind.weights == 0 ? kind : block_kind(kind.without);
  return cols % fits.weights == 0 ? &fits : nullptr;
}

float BlockKind::value(int code) const {
  return table ? static_cast<float>(kIq4Values[static_cast<std::size_t>(code)])
               : static_cast<float>(code - zero);
}

int BlockKind::nearest(float x) const {
  if (!table) {
    const auto low = static_cast<float>(-zero);
    return static_cast<int>(std::rint(std::clamp(x, low, low + static_cast<float>(codes - 1)))) + zero;
  }
  int code = 0;
  for (std::size_t i = 1; i < kIq4Values.size(); ++i) {
    code += 2.0F * x > static_cast<float>(kIq4Values[i - 1] + kIq4Values[i]) ? 1 : 0;
  }
  return code;
}

float BlockKind::reach() const {
  return table ? 127.0F : static_cast<float>(std::max(zero, codes - 1 - zero));
}

void BlockScales::restore(const BlockKind& kind) {
  d = half_rounded(d);
  m = half_rounded(m);
  for (std::size_t i = 0; i < static_cast<std::size_t>(kind.subs()); ++i) {
    step[i] = kind.whole_numbers() ? d * static_cast<float>(scale[i]) : d;
    base[i] = !kind.least ? 0.0F : kind.whole_numbers() ? m * static_cast<float>(least[i]) : -m;
  }
}

void put_block(const BlockKind& kind, const BlockScales& s, const std::uint8_t* codes, std::uint8_t* out) {
  std::fill_n(out, type_info(kind.type).bytes, std::uint8_t{0});
  switch (kind.type) {
    case GgmlType::kQ4_0:
    case GgmlType::kIq4Nl:
      put16(out, s.d);
      return put_half_codes(codes, out + 2, nullptr);
    case GgmlType::kQ4_1:
      put16(out, s.d);
      put16(out + 2, s.m);
      return put_half_codes(codes, out + 4, nullptr);
    case GgmlType::kQ5_0:
      put16(out, s.d);
      return put_half_codes(codes, out + 6, out + 2);
    case GgmlType::kQ5_1:
      put16(out, s.d);
      put16(out + 2, s.m);
      return put_half_codes(codes, out + 8, out + 4);
    case GgmlType::kQ8_0:
      put16(out, s.d);
      for (int i = 0; i < 32; ++i) out[2 + i] = static_cast<std::uint8_t>(codes[i] - kind.zero);
      return;
    case GgmlType::kQ2_K:
      for (int i = 0; i < 16; ++i) {
        add_bits(out[i], static_cast<unsigned>(s.scale[static_cast<std::size_t>(i)]), 0);
        add_bits(out[i], static_cast<unsigned>(s.least[static_cast<std::size_t>(i)]), 4);
      }
      put_group_codes(codes, 2, out + 16);
      put16(out + 80, s.d);
      return put16(out + 82, s.m);
    case GgmlType::kQ3_K:
      return put_q3_k(s, codes, out);
    case GgmlType::kQ4_K:
    case GgmlType::kQ5_K: {
      put16(out, s.d);
      put16(out + 2, s.m);
      put_pairs6(s, out + 4);
      const bool five = kind.type == GgmlType::kQ5_K;
      if (five) {
        for (int i = 0; i < 256; ++i) add_bits(out[16 + i % 32], codes[i] >> 4U, i / 32);
      }
      return put_group_codes(codes, 4, out + (five ? 48 : 16));
    }
    case GgmlType::kQ6_K:
      return put_q6_k(s, codes, out);
    case GgmlType::kIq4Xs:
      return put_iq4_xs(s, codes, out);
    default:
      fail(ErrorCode::kInternal, "[ggml] {} is not encoded", type_info(kind.type).name);
  }
}

}  // namespace lq::ggml
