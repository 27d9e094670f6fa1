#include "quant/ggml/ggml_type.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace lq::ggml {
namespace {

// Bytes are written as the sum of a block's fields. f16 is 2 bytes.
constexpr std::array kTypes = {
    GgmlTypeInfo{GgmlType::kF32, "F32", 1, 4, DType::kF32},
    GgmlTypeInfo{GgmlType::kF16, "F16", 1, 2, DType::kF16},
    GgmlTypeInfo{GgmlType::kBf16, "BF16", 1, 2, DType::kBf16},
    GgmlTypeInfo{GgmlType::kF64, "F64", 1, 8, DType::kF64},
    GgmlTypeInfo{GgmlType::kI8, "I8", 1, 1, DType::kI8},
    GgmlTypeInfo{GgmlType::kI16, "I16", 1, 2, DType::kI16},
    GgmlTypeInfo{GgmlType::kI32, "I32", 1, 4, DType::kI32},
    GgmlTypeInfo{GgmlType::kI64, "I64", 1, 8, DType::kI64},
    // scale, 32 codes of 4 bits
    GgmlTypeInfo{GgmlType::kQ4_0, "Q4_0", 32, 2 + 16, {}},
    // scale, least value, codes
    GgmlTypeInfo{GgmlType::kQ4_1, "Q4_1", 32, 2 + 2 + 16, {}},
    // scale, fifth bits, codes
    GgmlTypeInfo{GgmlType::kQ5_0, "Q5_0", 32, 2 + 4 + 16, {}},
    GgmlTypeInfo{GgmlType::kQ5_1, "Q5_1", 32, 2 + 2 + 4 + 16, {}},
    GgmlTypeInfo{GgmlType::kQ8_0, "Q8_0", 32, 2 + 32, {}},
    GgmlTypeInfo{GgmlType::kIq4Nl, "IQ4_NL", 32, 2 + 16, {}},
    // exponent, codes
    GgmlTypeInfo{GgmlType::kMxfp4, "MXFP4", 32, 1 + 16, {}},
    // four scales of 8 bits, codes
    GgmlTypeInfo{GgmlType::kNvfp4, "NVFP4", 64, 4 + 32, {}},
    // Super-blocks of 256: scales of their sub-blocks, codes, one or two scales of all.
    GgmlTypeInfo{GgmlType::kQ2_K, "Q2_K", 256, 16 + 64 + 2 + 2, {}},
    GgmlTypeInfo{GgmlType::kQ3_K, "Q3_K", 256, 32 + 64 + 12 + 2, {}},
    GgmlTypeInfo{GgmlType::kQ4_K, "Q4_K", 256, 2 + 2 + 12 + 128, {}},
    GgmlTypeInfo{GgmlType::kQ5_K, "Q5_K", 256, 2 + 2 + 12 + 32 + 128, {}},
    GgmlTypeInfo{GgmlType::kQ6_K, "Q6_K", 256, 128 + 64 + 16 + 2, {}},
    GgmlTypeInfo{GgmlType::kIq4Xs, "IQ4_XS", 256, 2 + 2 + 4 + 128, {}},
    // Points of a grid, their signs, scales of sub-blocks.
    GgmlTypeInfo{GgmlType::kIq2Xxs, "IQ2_XXS", 256, 2 + 64, {}},
    GgmlTypeInfo{GgmlType::kIq2Xs, "IQ2_XS", 256, 2 + 64 + 8, {}},
    GgmlTypeInfo{GgmlType::kIq2S, "IQ2_S", 256, 2 + 32 + 32 + 8 + 8, {}},
    GgmlTypeInfo{GgmlType::kIq3Xxs, "IQ3_XXS", 256, 2 + 64 + 32, {}},
    GgmlTypeInfo{GgmlType::kIq3S, "IQ3_S", 256, 2 + 64 + 8 + 32 + 4, {}},
    GgmlTypeInfo{GgmlType::kIq1S, "IQ1_S", 256, 2 + 32 + 16, {}},
    GgmlTypeInfo{GgmlType::kIq1M, "IQ1_M", 256, 32 + 16 + 8, {}},
    // Ternary: five to a byte, four to a byte; scale.
    GgmlTypeInfo{GgmlType::kTq1_0, "TQ1_0", 256, 48 + 4 + 2, {}},
    GgmlTypeInfo{GgmlType::kTq2_0, "TQ2_0", 256, 64 + 2, {}},
};

// Numbers whose types are not read, and why.
constexpr std::array<std::pair<std::uint32_t, std::string_view>, 11> kOthers = {{
    {4, "Q4_2, which ggml dropped"},
    {5, "Q4_3, which ggml dropped"},
    {9, "Q8_1, which is for products and not for files"},
    {15, "Q8_K, which is for products and not for files"},
    {31, "Q4_0_4_4, which ggml dropped"},
    {32, "Q4_0_4_8, which ggml dropped"},
    {33, "Q4_0_8_8, which ggml dropped"},
    {36, "IQ4_NL_4_4, which ggml dropped"},
    {37, "IQ4_NL_4_8, which ggml dropped"},
    {38, "IQ4_NL_8_8, which ggml dropped"},
    {41, "Q1_0, which is not read"},
}};

}  // namespace

const GgmlTypeInfo* find_type(std::uint32_t number) {
  const auto at = std::ranges::find(kTypes, static_cast<GgmlType>(number), &GgmlTypeInfo::type);
  return at == kTypes.end() ? nullptr : &*at;
}

const GgmlTypeInfo& type_info(GgmlType type) {
  const GgmlTypeInfo* info = find_type(static_cast<std::uint32_t>(type));
  LQ_CHECK(info != nullptr, kInternal, "[ggml] {} is no type", static_cast<std::uint32_t>(type));
  return *info;
}

std::string_view type_text(std::uint32_t number) {
  if (const GgmlTypeInfo* info = find_type(number)) return info->name;
  const auto at = std::ranges::find(kOthers, number, &std::pair<std::uint32_t, std::string_view>::first);
  return at == kOthers.end() ? "not one that ggml has" : at->second;
}

}  // namespace lq::ggml
