// The options of sweep, described (files/options/option.h): read by the command line and for the job's
// identity.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "jobs/options/plan_options.h"
#include "jobs/sweep_job.h"

namespace lq {

// What a user gets who says nothing: eight cells are checked.
SweepJobOptions sweep_defaults();

void describe(OptionVisitor& v, SweepJobOptions& o, PlanChoices& open);

// Decides what was left open: `o` is then what sweep_job takes. Throws OptionError naming the option.
void settle(SweepJobOptions& o, const PlanChoices& open);

// All that the table depends on. Reads the files whose contents count. REQUIRES: settled options.
nlohmann::json job_identity(const SweepJobOptions& options, const std::string& model_hash,
                            std::uint64_t seed);
// A job that an older version has written, as it would be written today.
nlohmann::json job_today(const SweepJobOptions& options, const nlohmann::json& old);

}  // namespace lq
