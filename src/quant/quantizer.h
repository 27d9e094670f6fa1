// What decomposition needs of a quantizer: the matrix that comes back after quantizing, and its packed form.
// Each format makes its own (quant/format.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backends/codebook_rounding.h"
#include "backends/trellis_rounding.h"
#include "base/parallel.h"
#include "quant/packed_matrix.h"

namespace lq {

// Importance of a weight's squared error: rows[i] * cols[j] for element (i, j). Either may be null: ones.
// REQUIRES: finite and not negative.
struct ErrorWeights {
  const float* rows = nullptr;  // [rows]
  const float* cols = nullptr;  // [cols]
  // Where errors matter together, as ||T^T E S||^2: T [rows, rows] and S [cols, cols], lower triangular with
  // a positive diagonal; rows and cols are then the diagonals of T T^T and S S^T. Null: the identity.
  // Feedback uses them, and nothing else does.
  const float* row_factor = nullptr;
  const float* col_factor = nullptr;
  // For Feedback::kGptq: the lower factor of S S^T with rows and columns in reverse order.
  const float* reversed_col_factor = nullptr;
};

// How the scales of blocks are chosen.
enum class ScaleMode : std::uint8_t {
  kAbsMax,  // the largest magnitude of the block: the paper
  // The one that makes the block's squared error, weighted where there are weights and else by the weights'
  // own magnitudes, smallest after both levels of scales are rounded. Same storage, same decoding; some 20
  // times the work of kAbsMax.
  kSearch,
};

// Whether the codes of a matrix are chosen one after another, each against the errors before it
// (quant/codebook/feedback.h). Without factors in the ErrorWeights it makes no difference.
enum class Feedback : std::uint8_t {
  kOff,
  kOn,  // scales first, from the whole matrix; then codes with feedback in columns, and in rows with
        // row_factor
  // GPTQ: columns from first to last. Its groups are the blocks, and their scales are fixed beforehand.
  kGptq,
};

// How codes and scales are chosen, whatever the format; a format says which of them it knows.
struct QuantizerOptions {
  ScaleMode scales = ScaleMode::kAbsMax;
  Feedback feedback = Feedback::kOff;
};

class Quantizer {
 public:
  virtual ~Quantizer() = default;
  // q[rows, cols] = the matrix that w[rows, cols] becomes by quantizing and dequantizing. q == w is allowed,
  // other overlap is not. The same bits on any number of threads. REQUIRES: w finite (see require_finite).
  virtual void round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                          float* q) const = 0;
  // The same where some errors matter more than others. A quantizer that cannot use them ignores them, as
  // here.
  virtual void round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                   float* q, const ErrorWeights& weights) const;
  // The packed matrix; its values are those of round_trip_weighted, bit for bit. Throws Error(kUnsupported)
  // for a quantizer without a stored form, as here.
  virtual PackedMatrix pack(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                            const ErrorWeights& weights = {}) const;
  // Storage per weight of a matrix without short blocks.
  virtual double bits_per_weight() const = 0;
  // For tables and messages: "nf 3,8,fp32,64,256".
  virtual std::string name() const = 0;

  virtual Feedback feedback() const { return Feedback::kOff; }
  // The same quantizer, each code chosen alone. REQUIRES: feedback() != kOff.
  virtual std::unique_ptr<Quantizer> without_feedback() const;
  // A quantizer without feedback, of about the same errors and quick, that low-rank factors are sought with;
  // null: this one is quick. The packed matrix of one that is not is made once and kept.
  virtual std::unique_ptr<Quantizer> draft() const { return nullptr; }
  // Where round_trip_weighted() is no more than that. Without feedback its bits are those of the rounding on
  // every device; with it, sums over many errors round otherwise there.
  virtual std::optional<backends::CodebookRounding> codebook_rounding() const { return std::nullopt; }
  virtual std::optional<backends::TrellisRounding> trellis_rounding() const { return std::nullopt; }
  // The packed matrix with the scales that pack() gives w without feedback, and codes[rows * cols], one a
  // byte. REQUIRES: codebook_rounding().
  virtual PackedMatrix pack_codes(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                  const std::uint8_t* codes, const ErrorWeights& weights) const;
};

// Of the largest entry of a matrix that is not 0: squares of entries and of errors far below them, and sums
// of such squares, then are numbers of f32.
inline constexpr float kLeastMagnitude = 1e-15F;
inline constexpr float kMostMagnitude = 1e15F;

// Throws Error(kInvalidArgument) naming the tensor: with [row, col] of the first NaN or infinity of w[rows,
// cols], or with its largest magnitude where that is out of the range above.
void require_finite(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                    std::string_view name);

}  // namespace lq
