// Flags of the verbs that choose a norm and a budget: quantize, sweep.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "allocate/constraints.h"
#include "pipeline/quantize_plan.h"

namespace lq::cli {

// --weights and where its statistics come from.
struct WeightsFlags {
  std::string weights, stats, data, field = "text";
  std::int64_t samples = 256;
  std::int64_t seq_len = 0;

  void add_to(CLI::App& verb);
  // Without --weights: kfac where there is --data or --stats, else none.
  WeightsKind kind() const;
  CalibrationSource source() const;
};

// --min-bits, --max-bits, --pin, --cap, --layer-cap.
struct ConstraintFlags {
  std::vector<std::string> min_bits, max_bits, pins, caps;
  double layer_cap = 0.0;

  void add_to(CLI::App& verb);
  Constraints constraints() const;
};

// Configurations such as 3,8,fp32,64,256, each once, in the order given.
// Throws Error(kInvalidArgument) naming the configuration.
std::vector<NfConfig> parse_configs(const std::vector<std::string>& texts);

}  // namespace lq::cli
