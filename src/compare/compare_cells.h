// The parts of a comparison, each made once and kept in its folder:
//
//   OUT/shared/statistics.safetensors        of the calibration text, for all methods
//   OUT/shared/table-*.json.gz               error tables, for all budgets of a method
//   OUT/cells/dense.json                     the dense model's scores (and its size, for tasks)
//   OUT/cells/METHOD-BITS/base/, base.json   the packed model, its scores
//   OUT/cells/METHOD-BITS/seed-N/, seed-N.json   the adapter, its scores
//
// With tasks (`lqlora glue`) a fine-tuning lies in OUT/cells/TASK/METHOD-BITS/seed-N/; so do bases whose
// statistics are the task's own, and OUT/shared has such statistics and tables by the task's name. A model
// that was fine-tuned whole is not kept once it is scored.
//
// They are what `calibrate`, `sweep`, `quantize`, `finetune` and `eval` write for the same flags.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compare/compare_folder.h"
#include "compare/compare_jobs.h"
#include "compare/compare_recipe.h"
#include "compare/compare_result.h"
#include "eval/task.h"
#include "jobs/quantize_model.h"

namespace lq {

// Not thread-safe.
class CompareCells {
 public:
  // All outlive it. Reads the texts and hashes the inputs. Throws what reading them throws.
  CompareCells(Context& context, const CompareRecipe& recipe, CompareFolder& folder);

  const std::string& model_hash() const { return model_->hash(context_.pool, context_.stop); }
  // The dense model, opened once for all cells.
  const CheckpointPtr& model() const { return model_; }
  // Those of the selected matrices.
  const std::vector<std::string>& modules() const { return modules_; }
  // Name of the cell: "ours-2.5"; "lora" for the dense base.
  static std::string name_of(CompareMethod method, double bits);

  // Scores of the dense model, before anything is learnt.
  CompareBase dense();
  // The packed model of a method and budget. REQUIRES: has_packed_base, why_not empty.
  CompareBase base(CompareMethod method, double bits);
  // Its fine-tuning. REQUIRES: base() was called (for the dense base: dense()).
  CompareRun run(CompareMethod method, double bits, std::uint64_t seed, double rate);
  // Whether run() would find everything done.
  bool finished(CompareMethod method, double bits, std::uint64_t seed, double rate) const;

  // How base() calls quantize and run() calls finetune.
  QuantizeOptions quantize_options(CompareMethod method, double bits);
  FinetuneOptions finetune_options(CompareMethod method, double bits, std::uint64_t seed, double rate) const;

 private:
  // Of the base's cell, below OUT: "cells/ours-2.5".
  std::string base_cell(CompareMethod method, double bits) const;
  bool own_statistics(CompareMethod method) const { return recipe_.task_loss && needs_statistics(method); }
  std::filesystem::path statistics();
  std::filesystem::path table(const PlanOptions& plan);
  // OUT/`file` by make(), kept under OUT/shared.
  std::filesystem::path stage(const std::string& name, const std::string& file, const nlohmann::json& job,
                              const std::function<void(const std::filesystem::path&)>& make);
  struct Scores {
    std::vector<TextScore> texts;
    std::vector<TaskScore> tasks;
  };
  // compared: also with the dense model.
  Scores scores(const CheckpointPtr& checkpoint, const std::filesystem::path& adapter, bool compared);
  // compressed: A and B in NF8 (train/compress_adapter.h).
  double low_rank_bits(const std::filesystem::path& adapter, bool compressed) const;
  // "cells/ours-2.5/seed-0"; with several rates "cells/ours-2.5/lr-0.01/seed-0".
  std::string run_name(CompareMethod method, double bits, std::uint64_t seed, double rate) const;

  Context& context_;
  const CompareRecipe& recipe_;
  CompareFolder& folder_;
  CheckpointPtr model_;
  std::vector<std::string> modules_;  // that are packed, and learn
  std::int64_t weights_ = 0;          // in them
  double dense_bits_ = 0.0;           // per weight, as the dense model stores them
  std::vector<std::string> texts_;
  std::vector<const Task*> tasks_;
  std::optional<CompareJobs> jobs_;                   // after the constructor
  std::map<std::string, double> stages_;              // known to be there: name, seconds
  std::vector<std::pair<std::string, double>> used_;  // by the base in hand
  std::map<std::string, double> bits_;                // of bases made, by name
};

}  // namespace lq
