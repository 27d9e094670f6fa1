// generation_config.json of a model: what ends its answers, and how its makers sample from it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/sampler.h"
#include "files/folder.h"

namespace lq {

// What a caller asks for; where it says nothing, the model's file does, and else SamplerOptions.
struct SamplingRequest {
  std::optional<double> temperature = {}, top_p = {}, min_p = {}, repetition_penalty = {};
  std::optional<std::int64_t> top_k = {};
};

struct GenerationConfig {
  std::vector<std::int32_t> eos;          // negative ids, which some files have for "none", are left out
  std::vector<std::string> stop_strings;  // end an answer like --stop
  bool do_sample = false;
  SamplingRequest sampling;                                        // as the file says it
  double typical_p = 1.0, epsilon_cutoff = 0.0, eta_cutoff = 0.0;  // where it samples
  LogitRules rules;
  // Keys that change what is generated and that are not followed, "num_beams 4", in the order of the file.
  std::vector<std::string> ignored;

  // Reads generation_config.json of the folder; without the file, nothing is set. Throws kCorruptFile with
  // file and key for values that cannot be.
  static GenerationConfig load(const Folder& folder);
  static GenerationConfig parse(std::string_view text, const std::string& who);

  // The options for a request. As transformers has it: without do_sample the likeliest token is taken
  // whatever the file's temperature; with it temperature is 1 and top_k 50 where the file has none.
  SamplerOptions options(const SamplingRequest& request) const;
  // One line of what came from the file and what is not followed; empty where there is nothing to say.
  std::string note(const SamplingRequest& request) const;
  // The latter part of it alone.
  std::string not_followed() const;
};

}  // namespace lq
