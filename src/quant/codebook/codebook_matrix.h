// A matrix packed as codes of a codebook with two levels of scales.
//
// Layout (docs/formats/packed.md): four parts,
//   codes    b bits an element, whole groups of 64 elements: 8 * b bytes a group
//   scales   b0 bits a block of B0 elements, whole groups of 64 blocks: 8 * b0 bytes a group
//   scales2  b1's type, one for every B1 blocks
//   offset   one f32
// over the matrix flattened row-major, so that blocks and groups may cross rows. Value of element i in block
// j in second-level group g: codebook[code_i] * (offset + u_j * (scales2_g / (2^b0 - 1))).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "backends/nf_view.h"
#include "base/parallel.h"
#include "quant/codebook/codebook.h"
#include "quant/codebook/codebook_config.h"
#include "quant/codebook/codebook_layout.h"
#include "quant/packed_matrix.h"

namespace lq {

// The stored parts of a packed matrix, borrowed, of any alignment.
struct CodebookParts {
  std::span<const std::uint8_t> codes;
  std::span<const std::uint8_t> scales;
  std::span<const std::uint8_t> scales2;
  float offset = 0.0F;
};

class CodebookMatrix {
 public:
  // Empty: rows() == 0. Only to be assigned to.
  CodebookMatrix() = default;
  // Own storage of the right sizes, all bytes zero: for the quantizers, which fill it through mutable_*().
  // Throws Error(kInvalidArgument) naming `who` for an impossible shape or configuration.
  CodebookMatrix(std::int64_t rows, std::int64_t cols, const CodebookConfig& config, CodebookKind kind,
                 std::string_view who = "packed matrix");
  // Borrows the parts, which must stay alive: by the caller, or through `keep_alive` (such as the mapped
  // file). Throws Error(kCorruptFile) naming `who` unless every part has exactly its size, padding is zero,
  // and offset and second-level scales are finite and not negative; so that no later call can read past the
  // parts or yield NaN or infinity.
  CodebookMatrix(std::int64_t rows, std::int64_t cols, const CodebookConfig& config, CodebookKind kind,
                 const CodebookParts& parts, std::string_view who,
                 std::shared_ptr<const void> keep_alive = {});
  CodebookMatrix(CodebookMatrix&&) noexcept = default;
  CodebookMatrix& operator=(CodebookMatrix&&) noexcept = default;
  CodebookMatrix(const CodebookMatrix&) = delete;
  CodebookMatrix& operator=(const CodebookMatrix&) = delete;
  ~CodebookMatrix() = default;

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  const CodebookConfig& config() const { return config_; }
  CodebookKind codebook_kind() const { return kind_; }
  const CodebookSizes& sizes() const { return sizes_; }

  const CodebookParts& parts() const { return parts_; }
  // What the kernels take. Valid while *this is (moving it does not invalidate a view).
  backends::NfView view() const;
  // Bytes of all four parts as stored, padding and offset (4) counted.
  std::int64_t storage_bytes() const;
  // storage_bytes() * 8 / (rows * cols).
  double bits_per_weight() const;

  // out[rows, cols] = the matrix.
  void dequantize(ThreadPool& pool, float* out) const;
  // out[count, cols] = rows [begin, begin + count), in this thread. REQUIRES: 0 <= begin, begin + count <=
  // rows().
  void dequantize_rows(std::int64_t begin, std::int64_t count, float* out) const;

  // Own storage only.
  std::uint8_t* mutable_codes();
  std::uint8_t* mutable_scales();
  std::uint8_t* mutable_scales2();
  void set_offset(float offset) { parts_.offset = offset; }

 private:
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  CodebookConfig config_;
  CodebookKind kind_ = CodebookKind::kNormalFloat;
  CodebookSizes sizes_{};
  std::vector<std::uint8_t> owned_;  // codes, scales, scales2 one after another; empty when borrowed
  std::shared_ptr<const void> keep_alive_;
  CodebookParts parts_;
};

// The same as a matrix of any format. Its parts are codes, scales, scales2 and offset.
PackedMatrix packed_matrix(CodebookMatrix matrix);

// The type that second-level scales are stored as.
DType stored_dtype(ScaleDType type);

// The format and codebook of a configuration in the kernels' terms.
backends::NfFormat nf_format(const CodebookConfig& config);

}  // namespace lq
