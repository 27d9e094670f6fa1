// `sweep` as a job of its own: a model's error table into a file, going on after a kill from OUT.work.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "jobs/quantize_plan.h"

namespace lq {

struct SweepJobOptions {
  std::filesystem::path model;   // for the overload that opens it: Hugging Face's, dense
  std::filesystem::path out;     // .json or .json.gz
  PlanOptions plan;              // of its budget only the configurations count
  std::int64_t check_cells = 0;  // cells, spread over the table, that are also decomposed in full
};

struct SweepJobReport {
  std::int64_t matrices = 0, configs = 0;  // configs: each once, whatever the ranks
  std::vector<std::int64_t> ranks;         // one, or those that are part of the choice
  std::string weights;
  std::int64_t checked = 0;
  double largest_deviation = 0.0;  // |table - full| / full
  std::string worst_matrix;
  std::string worst_choice;
  std::int64_t worst_rank = 0;
  double seconds = 0.0;
  std::int64_t peak_rss_bytes = 0;
};

// Throws what plan_quantization and sweep_model throw; what Job throws: OUT exists and is no error
// table, OUT.work holds another job's unfinished work, another process is at it.
SweepJobReport sweep_job(Context& context, const CheckpointPtr& model, const SweepJobOptions& options);
// Opens options.model.
SweepJobReport sweep_job(Context& context, const SweepJobOptions& options);

}  // namespace lq
