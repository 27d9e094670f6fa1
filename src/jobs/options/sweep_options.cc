#include "jobs/options/sweep_options.h"

#include "base/version.h"
#include "files/options/job_identity.h"
#include "files/options/option_values.h"

namespace lq {

SweepJobOptions sweep_defaults() {
  SweepJobOptions o;
  o.check_cells = 8;
  return o;
}

void describe(OptionVisitor& v, SweepJobOptions& o, PlanChoices& open) {
  const PlanFields fields = fields_of(o.plan);
  v.option({.key = "model",
            .help = "Hugging Face model directory",
            .position = "MODEL",
            .required = true,
            .identified_by = "/model"},
           path(o.model));
  v.option({.key = "out",
            .help = "Error table to write (.json or .json.gz)",
            .letter = "o",
            .required = true,
            .changes_result = false},
           path(o.out));
  describe_ranks(v, fields, open, "");
  describe_method(v, o.plan.decompose, {"lq", "qlora"}, "");
  describe_configs(v, fields, open, "all", true);
  describe_quantizer(v, fields, open);
  v.option({.key = "check",
            .help = "Decompose this many cells in full and say how far the table is off",
            .changes_result = false},
           integer(o.check_cells, 0));
  describe(v, o.plan.selection);
}

void settle(SweepJobOptions& o, const PlanChoices& given) {
  PlanChoices open = given;
  settle_types(open);
  settle_plan(fields_of(o.plan), open, false);
  const FormatSet& formats = o.plan.formats;
  o.plan.budget.configs =
      open.configs.empty() ? formats.choices(ChoiceSet::kAll) : parse_choices(open.configs, formats);
}

nlohmann::json job_identity(const SweepJobOptions& options, const std::string& model_hash,
                            std::uint64_t seed) {
  SweepJobOptions o = options;
  PlanChoices open;
  return with_identity({{"verb", "sweep"}, {"version", kVersion}, {"seed", seed}, {"model", model_hash}},
                       [&](OptionVisitor& v) { describe(v, o, open); });
}

nlohmann::json job_today(const SweepJobOptions& options, const nlohmann::json& old) {
  SweepJobOptions o = options;
  PlanChoices open;
  return identity_today(old, [&](OptionVisitor& v) { describe(v, o, open); });
}

}  // namespace lq
