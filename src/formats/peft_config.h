// adapter_config.json of a PEFT LoRA adapter.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "files/json_object.h"

namespace lq {

// What the file says, checked. Throws Error(kUnsupported) for what this program cannot compute with: a
// peft_type other than LORA, layer replication, per-layer LoRA bias, trainable tokens, MoE target_parameters,
// an initialization that changes the base; and for every key that is set but not known here, for it may
// change what the adapter computes.
struct PeftConfig {
  std::int64_t r = 8;                       // rank
  double alpha = 8;                         // lora_alpha
  double dropout = 0;                       // in [0, 1)
  std::vector<std::string> target_modules;  // names or suffixes ("q_proj"); sorted
  std::string target_regex;                 // instead of the list, when the file has a string: full match
  std::vector<std::pair<std::string, std::int64_t>>
      rank_pattern;                                           // name, suffix or regular expression -> rank
  std::vector<std::pair<std::string, double>> alpha_pattern;  // the first that matches counts
  bool use_rslora = false;                                    // scaling alpha / sqrt(r)
  bool fan_in_fan_out = false;                                // the base stores [in, out] (GPT-2's Conv1D)
  bool use_dora = false;                                      // weights keep lengths of their own
  std::string bias = "none";  // biases that learned: "none", "lora_only", "all"
  // A base whose embedding is its head keeps them one where modules_to_save names either.
  bool ensure_weight_tying = false;
  std::vector<std::string> modules_to_save;
  std::string base_model;               // base_model_name_or_path; empty when null
  std::string task_type = "CAUSAL_LM";  // empty when null
  nlohmann::ordered_json other = nlohmann::ordered_json::object();  // keys not named above, as read

  // `who` starts error messages. Throws Error(kNotFound / kCorruptFile / kUnsupported).
  static PeftConfig parse(std::string_view text, const std::string& who);
  static PeftConfig load(const std::filesystem::path& file);
  static PeftConfig from(const JsonObject& config);
  nlohmann::ordered_json to_json() const;

  // Whether PEFT would put an adapter on this module of the base ("model.layers.0.self_attn.q_proj").
  bool targets(std::string_view module) const;
  // Whether PEFT would keep a copy of this module of its own, trained whole, beside the base's.
  bool saves(std::string_view module) const;
  // Rank and alpha of a module, patterns applied, and the factor on B A x: alpha / r, or alpha / sqrt(r).
  std::int64_t rank_of(std::string_view module) const;
  double alpha_of(std::string_view module) const;
  double scaling_of(std::string_view module) const;
};

// The shortest list that names `adapted` and no other of `all` modules: last components ("q_proj") where
// those select exactly the right ones, full names otherwise. Sorted.
std::vector<std::string> minimal_targets(const std::vector<std::string>& adapted,
                                         const std::vector<std::string>& all);

// The same for modules_to_save, of which PEFT takes every module whose name ends with an entry, dot or not:
// "norm" names input_layernorm too.
std::vector<std::string> minimal_saved(const std::vector<std::string>& saved,
                                       const std::vector<std::string>& all);

}  // namespace lq
