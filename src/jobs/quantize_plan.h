// Which norm and which configuration each matrix gets, decided before any is decomposed: calibrate, sweep,
// allocate (docs/method.md, "Which bits for which matrix"). Each stage's result is kept in the job's work
// folder and used again after a kill.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "allocate/allocation.h"
#include "allocate/constraints.h"
#include "allocate/error_table.h"
#include "decompose/decompose.h"
#include "formats/checkpoint.h"
#include "jobs/choice_names.h"
#include "jobs/matrix_importance.h"
#include "jobs/rank_choices.h"
#include "jobs/select_matrices.h"
#include "jobs/stage_files.h"
#include "tensor/context.h"

namespace lq {

// Where an importance's statistics come from.
struct CalibrationSource {
  std::filesystem::path stats;  // a file that calibrate() made; empty: calibrate first
  std::filesystem::path data;   // text, as documents
  std::int64_t self = 0;        // instead of data: sequences that the model samples itself; 0: none
  std::string field = "text";   // of a record that holds its text
  std::int64_t samples = 256;   // windows of seq_len tokens
  std::int64_t seq_len = 0;     // 0: 512, or the model's context where that is shorter
  bool given() const { return !stats.empty() || !data.empty() || self > 0; }
};

// A budget over all matrices. None of bits, memory and allocation: every matrix gets the same configuration.
struct BudgetOptions {
  double bits = 0.0;        // per weight of the packed matrices; 0: not given
  std::int64_t memory = 0;  // bytes for the model while its low-rank part is fine-tuned; 0: not given
  std::int64_t memory_tokens = 512;  // of a training step, for `memory`
  std::filesystem::path table;       // an error table made before; empty: sweep first
  std::filesystem::path allocation;  // made before: nothing is swept or solved
  std::vector<QuantChoice> configs;  // swept; empty: the lean ones of all formats
  Constraints constraints;
  bool given() const { return bits > 0.0 || memory > 0 || !allocation.empty(); }
};

struct PlanOptions {
  MatrixSelection selection;
  FormatSet formats = {};
  QuantizerOptions quantizer;
  DecomposeOptions decompose;  // method, the factors' type, and the rank unless `ranks` are chosen
  RankChoices ranks = {};      // chosen(): under a budget, which then counts the factors
  ImportanceKind importance = ImportanceKind::kNone;
  CalibrationSource calibration;
  BudgetOptions budget;
};

// Whether a sweep's errors are relative to each matrix's weights (SweepModelOptions::relative): ours, where
// nothing says what matters and scales are searched. The papers' methods, with scales that are the absmax,
// have absolute errors, as the papers do.
bool sweeps_relative(const PlanOptions& options);

struct QuantizePlan {
  MatrixImportance importance;
  std::optional<Allocation> allocation;
};

// The stages that a plan is made of, each once: `stages` gives back what a run before has finished.
MatrixImportance plan_importance(Context& context, const PlanOptions& options, const CheckpointPtr& model,
                                 StageFiles& stages);
ErrorTable plan_table(Context& context, const PlanOptions& options, const CheckpointPtr& model,
                      const MatrixImportance& weights, StageFiles& stages);

// Throws Error(kInvalidArgument) for options that exclude each other, an importance without statistics, a
// table or an allocation that chooses ranks where the options do not (or the other way round), and a budget
// below the least possible (saying it, and what of it factors take); Error(kMismatch) for statistics or a
// table of another model (both hashes named) or without one of the matrices; Error(kInterrupted); what the
// stages throw.
QuantizePlan plan_quantization(Context& context, const PlanOptions& options, const CheckpointPtr& model,
                               const std::filesystem::path& work_dir);

}  // namespace lq
