#include "quant/codebook/codebook_matrix.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "backends/cpu/nf_codec.h"
#include "base/error.h"
#include "base/float16.h"
#include "quant/codebook/codebook_reference.h"

namespace lq {
namespace {

void check_size(std::string_view who, std::string_view part, std::size_t bytes, std::int64_t expected,
                std::int64_t rows, std::int64_t cols, const CodebookConfig& config) {
  LQ_CHECK(bytes == static_cast<std::size_t>(expected), kCorruptFile,
           "{}: {} has {} bytes, but shape [{}, {}] at configuration {} needs {}", who, part, bytes, rows,
           cols, to_string(config), expected);
}

void check_padding(std::string_view who, std::string_view part, const std::uint8_t* packed,
                   std::int64_t count, int bits) {
  const std::int64_t padded = (count + backends::kNfGroup - 1) / backends::kNfGroup * backends::kNfGroup;
  for (std::int64_t i = count; i < padded; ++i) {
    LQ_CHECK(codebook_reference_unpack_one(packed, i, bits) == 0, kCorruptFile,
             "{}: {} has code {} of {} in its padding, which must be zero", who, part, i, count);
  }
}

float scale2_at(const std::uint8_t* bytes, std::int64_t index, ScaleDType dtype) {
  if (dtype == ScaleDType::kFp32) {
    float value;
    std::memcpy(&value, bytes + 4 * index, 4);
    return value;
  }
  std::uint16_t stored;
  std::memcpy(&stored, bytes + 2 * index, 2);
  return dtype == ScaleDType::kBf16 ? to_float(bf16{stored}) : to_float(f16{stored});
}

}  // namespace

CodebookMatrix::CodebookMatrix(std::int64_t rows, std::int64_t cols, const CodebookConfig& config,
                               CodebookKind kind, std::string_view who)
    : rows_(rows),
      cols_(cols),
      config_(config),
      kind_(kind),
      sizes_(codebook_sizes(rows, cols, config, who)) {
  owned_.resize(static_cast<std::size_t>(sizes_.codes_bytes + sizes_.scales_bytes + sizes_.scales2_bytes));
  const std::uint8_t* base = owned_.data();
  parts_.codes = {base, static_cast<std::size_t>(sizes_.codes_bytes)};
  parts_.scales = {base + sizes_.codes_bytes, static_cast<std::size_t>(sizes_.scales_bytes)};
  parts_.scales2 = {base + sizes_.codes_bytes + sizes_.scales_bytes,
                    static_cast<std::size_t>(sizes_.scales2_bytes)};
}

CodebookMatrix::CodebookMatrix(std::int64_t rows, std::int64_t cols, const CodebookConfig& config,
                               CodebookKind kind, const CodebookParts& parts, std::string_view who,
                               std::shared_ptr<const void> keep_alive)
    : rows_(rows),
      cols_(cols),
      config_(config),
      kind_(kind),
      keep_alive_(std::move(keep_alive)),
      parts_(parts) {
  try {
    sizes_ = codebook_sizes(rows, cols, config, who);
  } catch (const Error& e) {
    throw Error(ErrorCode::kCorruptFile, e.what());
  }
  check_size(who, "codes", parts.codes.size(), sizes_.codes_bytes, rows, cols, config);
  check_size(who, "scales", parts.scales.size(), sizes_.scales_bytes, rows, cols, config);
  check_size(who, "scales2", parts.scales2.size(), sizes_.scales2_bytes, rows, cols, config);
  LQ_CHECK(std::isfinite(parts.offset) && !std::signbit(parts.offset), kCorruptFile,
           "{}: offset is {}, but must be finite and not negative", who, parts.offset);
  for (std::int64_t g = 0; g < sizes_.groups; ++g) {
    const float scale2 = scale2_at(parts.scales2.data(), g, config.scale2);
    LQ_CHECK(std::isfinite(scale2) && !std::signbit(scale2), kCorruptFile,
             "{}: scales2[{}] is {}, but must be finite and not negative", who, g, scale2);
  }
  check_padding(who, "codes", parts.codes.data(), sizes_.elements, config.bits);
  check_padding(who, "scales", parts.scales.data(), sizes_.blocks, config.scale_bits);
}

DType stored_dtype(ScaleDType type) {
  switch (type) {
    case ScaleDType::kBf16:
      return DType::kBf16;
    case ScaleDType::kFp16:
      return DType::kF16;
    case ScaleDType::kFp32:
      break;
  }
  return DType::kF32;
}

PackedMatrix packed_matrix(CodebookMatrix matrix) {
  const auto stored = std::make_shared<const CodebookMatrix>(std::move(matrix));
  const CodebookParts& p = stored->parts();
  const CodebookSizes& sizes = stored->sizes();
  std::vector<PackedPart> parts = {
      {"codes", DType::kU8, {sizes.codes_bytes}, p.codes},
      {"scales", DType::kU8, {sizes.scales_bytes}, p.scales},
      {"scales2", stored_dtype(stored->config().scale2), {sizes.groups}, p.scales2},
      {"offset", DType::kF32, {1}, {reinterpret_cast<const std::uint8_t*>(&p.offset), sizeof(p.offset)}}};
  const backends::PackedView view{.layout = backends::PackedLayout::kCodebook,
                                  .rows = stored->rows(),
                                  .cols = stored->cols(),
                                  .codebook = stored->view()};
  return {{std::string(codebook_kind_name(stored->codebook_kind())), to_string(stored->config())},
          std::move(parts),
          view,
          stored};
}

backends::NfFormat nf_format(const CodebookConfig& config) {
  return {config.bits, config.scale_bits, config.scale2, config.block, config.block2};
}

backends::NfView CodebookMatrix::view() const {
  const Codebook& book = codebook_of(kind_, config_.bits);
  return {parts_.codes.data(),
          parts_.scales.data(),
          parts_.scales2.data(),
          parts_.offset,
          nf_format(config_),
          rows_,
          cols_,
          book.values,
          config_.bits <= 4 ? &book.gemv_levels : nullptr};
}

std::int64_t CodebookMatrix::storage_bytes() const {
  return sizes_.codes_bytes + sizes_.scales_bytes + sizes_.scales2_bytes +
         static_cast<std::int64_t>(sizeof(float));
}

double CodebookMatrix::bits_per_weight() const {
  return 8.0 * static_cast<double>(storage_bytes()) / static_cast<double>(sizes_.elements);
}

void CodebookMatrix::dequantize(ThreadPool& pool, float* out) const {
  backends::nf_dequantize(pool, view(), out);
}

void CodebookMatrix::dequantize_rows(std::int64_t begin, std::int64_t count, float* out) const {
  LQ_ASSERT(begin >= 0 && count >= 0 && begin + count <= rows_);
  backends::nf_dequantize(view(), begin * cols_, count * cols_, out);
}

std::uint8_t* CodebookMatrix::mutable_codes() {
  LQ_ASSERT(!owned_.empty());
  return owned_.data();
}

std::uint8_t* CodebookMatrix::mutable_scales() {
  LQ_ASSERT(!owned_.empty());
  return owned_.data() + sizes_.codes_bytes;
}

std::uint8_t* CodebookMatrix::mutable_scales2() {
  LQ_ASSERT(!owned_.empty());
  return owned_.data() + sizes_.codes_bytes + sizes_.scales_bytes;
}

}  // namespace lq
