// What the options of quantize and sweep have in common, described (files/options/option.h): which matrices,
// what an error counts, how codes are chosen, ranks, configurations and constraints.
//
// Some options mean something only together: the method decides which importance is the default, the formats
// what the name of a configuration means. What a user says of those is kept as it was given, in PlanChoices,
// until all is known (settle_plan); their identity in a job is that of what they were settled to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "allocate/constraints.h"
#include "files/options/option.h"
#include "jobs/quantize_defaults.h"
#include "jobs/quantize_plan.h"
#include "tensor/dtype.h"

namespace lq {

// What a user may leave open.
struct PlanChoices {
  MethodChoices method = {};              // importance, formats, scales, feedback
  std::optional<DType> factors = {};      // the stored type of L1 and L2
  std::vector<std::string> configs = {};  // as parse_choices reads them
};

// The settled options that the description reads and sets, wherever a job keeps them.
struct PlanFields {
  MatrixSelection& selection;
  FormatSet& formats;
  QuantizerOptions& quantizer;
  DecomposeOptions& decompose;
  RankChoices& ranks;
  ImportanceKind& importance;
  CalibrationSource& calibration;
  BudgetOptions& budget;
};

// include, exclude.
void describe(OptionVisitor& v, MatrixSelection& selection);
// data, self or stats; field, samples, seq-len. counts: whether statistics are used at all.
void describe(OptionVisitor& v, CalibrationSource& source, bool counts = true);
// min-bits, max-bits, pin, cap, layer-cap. `counts`: whether there is a budget.
void describe(OptionVisitor& v, Constraints& constraints, bool counts = true);

// importance and its statistics; format, scales, feedback. feeds_back: whether feedback counts, and not only
// for what is chosen by it.
void describe_quantizer(OptionVisitor& v, const PlanFields& o, PlanChoices& open);
// rank, factors. `place`: of the rank's identity.
void describe_ranks(OptionVisitor& v, const PlanFields& o, PlanChoices& open, const std::string& place);
// configs. `fallback`: the set that is meant where none is given.
void describe_configs(OptionVisitor& v, const PlanFields& o, PlanChoices& open, const std::string& fallback,
                      bool counts);
// method, one of `names`.
void describe_method(OptionVisitor& v, DecomposeOptions& decompose, const std::vector<std::string>& names,
                     const std::string& place);

PlanFields fields_of(PlanOptions& o);

// Names of ggml's types among the formats, "q4_k", become format ggml with `configs` of these types. Throws
// OptionError where other formats or configs stand beside them.
void settle_types(PlanChoices& open);
// Decides what was left open: importance, formats, quantizer, factors, and that a method without factors has
// rank 0. uniform: one configuration for all matrices. Throws OptionError for choices that do not go
// together.
void settle_plan(const PlanFields& o, const PlanChoices& open, bool uniform);
// Pins get the names that their choices have among `formats`. Throws Error(kInvalidArgument) naming the pin.
void settle_pins(Constraints& constraints, const FormatSet& formats);

}  // namespace lq
