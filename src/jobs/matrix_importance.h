// The norm in which each matrix's error is measured and made small, from the statistics of a calibration run.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/enum_names.h"
#include "calibrate/calibration_stats.h"
#include "decompose/importance.h"
#include "tensor/context.h"

namespace lq {

enum class ImportanceKind : std::uint8_t {
  kNone,    // every error matters the same
  kFisher,  // row and column means of the Fisher's diagonal: the paper
  kInput,   // the input's second moment: what the layer's output feels
  kKfac,    // both sides: what the loss feels, under the Kronecker approximation of its curvature
};

inline constexpr EnumName<ImportanceKind> kImportanceNames[] = {{ImportanceKind::kNone, "none"},
                                                                {ImportanceKind::kFisher, "fisher"},
                                                                {ImportanceKind::kInput, "input"},
                                                                {ImportanceKind::kKfac, "kfac"}};

// Throws OptionError of `importance` for a name that is none.
ImportanceKind parse_importance(std::string_view name);
std::string_view importance_name(ImportanceKind kind);

// Const members are thread-safe.
class MatrixImportance {
 public:
  MatrixImportance() = default;  // kNone
  MatrixImportance(ImportanceKind kind, CalibrationStats stats) : kind_(kind), stats_(std::move(stats)) {}

  ImportanceKind kind() const { return kind_; }
  // What had to be mended in a moment goes to context.progress.note(). Throws Error(kNotFound) naming the
  // file and the matrix or the statistic that it lacks, Error(kMismatch) for another shape. `name`: of the
  // tensor.
  Importance of(Context& context, std::string_view name, std::int64_t rows, std::int64_t cols) const;
  // The same norm without covariances: for kInput and kKfac by the moments' diagonals, else of(). What a
  // sweep of large matrices uses: products with whole moments would take days, and as rounding errors hardly
  // hang together, allocations from such a table came within 1.3 % of the objective of those from the whole
  // norm's (quill, kfac, 2.25 to 3 bits).
  Importance diagonal_of(Context& context, std::string_view name, std::int64_t rows, std::int64_t cols) const;
  // Null for kNone.
  const CalibrationStats* stats() const { return stats_.has_value() ? &*stats_ : nullptr; }

 private:
  ImportanceKind kind_ = ImportanceKind::kNone;
  std::optional<CalibrationStats> stats_;
};

}  // namespace lq
