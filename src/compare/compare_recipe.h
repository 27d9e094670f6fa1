// What `compare` is to do, from a TOML file (docs/compare.md lists its keys). The keys of [finetune] are the
// flags of `lqlora finetune` by the same names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compare/compare_method.h"
#include "jobs/options/eval_options.h"
#include "jobs/quantize_plan.h"
#include "train/finetune.h"

namespace lq {

struct CompareRecipe {
  std::filesystem::path file;
  // Of `lqlora glue`: the tasks, and the one at hand (one grid each); else empty. [finetune]'s data is then
  // the folder of their files, and there are no texts.
  std::vector<std::string> glue_tasks;
  std::string task;
  // [calibrate] loss = "task": each task has statistics of its own, by its loss.
  bool task_loss = false;
  std::filesystem::path model;
  std::vector<CompareMethod> methods;
  std::vector<double> bits;  // budgets; empty where every method is dense
  std::vector<std::uint64_t> seeds = {0};
  std::int64_t rank = 64;
  MatrixSelection selection;
  // Parameters that budgets choose among, of whichever codebook format a method has; empty: the lean ones.
  std::vector<QuantChoice> configs;
  std::vector<QuantChoice> choices_of(const FormatSet& formats) const;
  // The files and folders that the work reads, which no output may replace.
  std::vector<std::filesystem::path> inputs() const;
  CalibrationSource calibration;
  // Model, output, start, rank and seed are each cell's own.
  FinetuneOptions finetune;
  // Learning rates: of several, each row takes the one with the least validation loss of the first seed.
  std::vector<double> rates;
  // Of single methods, instead: what starts from a decomposition's factors has its best rate elsewhere than
  // what starts from B = 0.
  std::map<CompareMethod, std::vector<double>> own_rates;
  const std::vector<double>& rates_of(CompareMethod method) const {
    const auto own = own_rates.find(method);
    return own == own_rates.end() ? rates : own->second;
  }
  // [finetune] as it stands, without what changes no result (checkpoints, recomputation) and without paths.
  nlohmann::json finetune_settings;
  std::vector<std::string> adapter_settings;  // keys of these that full fine-tuning does without
  // Held-out texts, each measured whole, in windows of seq_len tokens.
  std::vector<std::filesystem::path> texts;
  EvalText text = {};
  // Benchmarks (docs/tasks.md) to score beside the texts: their names, the folder of their files, documents
  // of each file (0: all), examples before a question (absent: the task's own number).
  std::vector<std::string> tasks;
  std::filesystem::path tasks_data;
  std::int64_t limit = 0;
  std::optional<std::int64_t> shots;

  bool has_statistics() const { return task_loss || calibration.given(); }
};

// Paths are relative to the folder of the file; ${NAME} in a path is an environment variable. Throws
// Error(kNotFound) for the file; Error(kCorruptFile) and Error(kInvalidArgument) as one line "FILE:LINE:
// ...".
CompareRecipe read_compare_recipe(const std::filesystem::path& file);
// The same of `lqlora glue`: with tasks, without texts.
CompareRecipe read_glue_recipe(const std::filesystem::path& file);
// The same of text, as if it stood in `file`.
CompareRecipe parse_compare_recipe(std::string_view text, const std::filesystem::path& file);
CompareRecipe parse_glue_recipe(std::string_view text, const std::filesystem::path& file);

}  // namespace lq
