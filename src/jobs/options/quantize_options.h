// The options of quantize, described (files/options/option.h): read by the command line and for the job's
// identity.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "jobs/options/plan_options.h"
#include "jobs/quantize_model.h"

namespace lq {

// What a user may leave open, or says in words that depend on other options.
struct QuantizeChoices : PlanChoices {
  int nf = 0;               // every matrix alike, codes of so many bits; 0: not given
  std::string config = {};  // every matrix alike, as make_quantizer reads it; empty: not given
};

void describe(OptionVisitor& v, QuantizeOptions& o, QuantizeChoices& open);

// Decides what was left open: `o` is then what quantize_model takes. Throws OptionError naming the option for
// options that exclude each other or that do nothing beside the others.
void settle(QuantizeOptions& o, const QuantizeChoices& open);

// All that the result depends on; a run goes on only where it is the same. Reads the files whose contents
// count. REQUIRES: settled options.
nlohmann::json job_identity(const QuantizeOptions& options, const std::string& source_hash,
                            std::uint64_t seed);
// A job that an older version has written, as it would be written today.
nlohmann::json job_today(const QuantizeOptions& options, const nlohmann::json& old);

}  // namespace lq
