// Flags of the verbs that choose a norm and a budget: quantize, sweep.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "allocate/constraints.h"
#include "jobs/quantize_defaults.h"
#include "jobs/quantize_plan.h"

namespace lq::cli {

// --importance and where its statistics come from.
struct WeightsFlags {
  std::string weights, stats, data, field = "text";
  std::int64_t samples = 256;
  std::int64_t seq_len = 0;

  void add_to(CLI::App& verb);
  bool has_source() const { return !data.empty() || !stats.empty(); }
  CalibrationSource source() const;
};

// --format, --scales, --feedback.
struct QuantizerFlags {
  std::string format, scales;
  bool feedback = false;
  bool no_feedback = false;

  void add_to(CLI::App& verb);
};

// What the flags leave open, settle() decides.
MethodChoices method_choices(DecomposeMethod method, bool uniform, const WeightsFlags& weights,
                             const QuantizerFlags& quantizer);

// --rank, --factors.
struct RankFlags {
  std::string rank = "64", factors;

  void add_to(CLI::App& verb);
  // Sets decompose.rank and decompose.factors; what there is to choose among comes back. Throws
  // Error(kInvalidArgument) for ranks to choose where the method has no factors.
  RankChoices apply(DecomposeOptions& decompose) const;
};

// --min-bits, --max-bits, --pin, --cap, --layer-cap.
struct ConstraintFlags {
  std::vector<std::string> min_bits, max_bits, pins, caps;
  double layer_cap = 0.0;

  void add_to(CLI::App& verb);
  // The pinned choices by the names that they have among `formats`.
  Constraints constraints(const FormatSet& formats) const;
};

}  // namespace lq::cli
