#include "quant/ggml/dequantize.h"

#include <algorithm>
#include <array>
#include <optional>

#include "backends/cpu/ggml_blocks.h"
#include "base/error.h"
#include "quant/ggml/block_decoders.h"
#include "tensor/tensor.h"

namespace lq::ggml {
namespace {

constexpr std::int64_t kLargestBlock = 256;  // weights

BlockDecoder decoder_of(GgmlType type) {
  switch (type) {
    case GgmlType::kQ4_0:
      return decode_q4_0;
    case GgmlType::kQ4_1:
      return decode_q4_1;
    case GgmlType::kQ5_0:
      return decode_q5_0;
    case GgmlType::kQ5_1:
      return decode_q5_1;
    case GgmlType::kQ8_0:
      return decode_q8_0;
    case GgmlType::kQ2_K:
      return decode_q2_k;
    case GgmlType::kQ3_K:
      return decode_q3_k;
    case GgmlType::kQ4_K:
      return decode_q4_k;
    case GgmlType::kQ5_K:
      return decode_q5_k;
    case GgmlType::kQ6_K:
      return decode_q6_k;
    case GgmlType::kIq2Xxs:
      return decode_iq2_xxs;
    case GgmlType::kIq2Xs:
      return decode_iq2_xs;
    case GgmlType::kIq2S:
      return decode_iq2_s;
    case GgmlType::kIq3Xxs:
      return decode_iq3_xxs;
    case GgmlType::kIq3S:
      return decode_iq3_s;
    case GgmlType::kIq1S:
      return decode_iq1_s;
    case GgmlType::kIq1M:
      return decode_iq1_m;
    case GgmlType::kIq4Nl:
      return decode_iq4_nl;
    case GgmlType::kIq4Xs:
      return decode_iq4_xs;
    case GgmlType::kTq1_0:
      return decode_tq1_0;
    case GgmlType::kTq2_0:
      return decode_tq2_0;
    case GgmlType::kMxfp4:
      return decode_mxfp4;
    case GgmlType::kNvfp4:
      return decode_nvfp4;
    case GgmlType::kF32:
    case GgmlType::kF16:
    case GgmlType::kBf16:
    case GgmlType::kF64:
    case GgmlType::kI8:
    case GgmlType::kI16:
    case GgmlType::kI32:
    case GgmlType::kI64:
      break;
  }
  fail(ErrorCode::kInternal, "[ggml] {} is not in blocks", type_info(type).name);
}

// The version for runs of blocks, of the types that have one.
std::optional<backends::GgmlBlocks> kernel_of(GgmlType type) {
  switch (type) {
    case GgmlType::kQ4_0:
      return backends::GgmlBlocks::kQ4_0;
    case GgmlType::kQ4_1:
      return backends::GgmlBlocks::kQ4_1;
    case GgmlType::kQ5_0:
      return backends::GgmlBlocks::kQ5_0;
    case GgmlType::kQ5_1:
      return backends::GgmlBlocks::kQ5_1;
    case GgmlType::kQ8_0:
      return backends::GgmlBlocks::kQ8_0;
    case GgmlType::kIq4Nl:
      return backends::GgmlBlocks::kIq4Nl;
    case GgmlType::kQ2_K:
      return backends::GgmlBlocks::kQ2_K;
    case GgmlType::kQ3_K:
      return backends::GgmlBlocks::kQ3_K;
    case GgmlType::kQ4_K:
      return backends::GgmlBlocks::kQ4_K;
    case GgmlType::kQ5_K:
      return backends::GgmlBlocks::kQ5_K;
    case GgmlType::kQ6_K:
      return backends::GgmlBlocks::kQ6_K;
    case GgmlType::kIq4Xs:
      return backends::GgmlBlocks::kIq4Xs;
    default:
      return std::nullopt;
  }
}

}  // namespace

void dequantize(GgmlType type, const std::byte* x, std::int64_t begin, std::int64_t count, float* out) {
  const GgmlTypeInfo& info = type_info(type);
  if (info.as) {
    convert_to_f32(*info.as, x, begin, count, out);
    return;
  }
  const BlockDecoder decode = decoder_of(type);
  const auto kernel = kernel_of(type);
  const auto* blocks = reinterpret_cast<const std::uint8_t*>(x);
  std::array<float, kLargestBlock> part{};
  const std::int64_t end = begin + count;
  while (begin < end) {
    const std::int64_t block = begin / info.weights;
    const std::int64_t from = begin - block * info.weights;
    const std::int64_t n = std::min(info.weights - from, end - begin);
    const std::uint8_t* at = blocks + block * info.bytes;
    if (const std::int64_t whole = (end - begin) / info.weights; kernel && from == 0 && whole > 0) {
      backends::decode_ggml_blocks(*kernel, at, whole, out);
      begin += whole * info.weights;
      out += whole * info.weights;
      continue;
    }
    if (n == info.weights) {
      decode(at, out);
    } else {
      decode(at, part.data());
      std::copy_n(part.begin() + from, n, out);
    }
    begin += n;
    out += n;
  }
}

}  // namespace lq::ggml
