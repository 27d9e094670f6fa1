#include "cli/plan_flags.h"

#include <algorithm>

#include "base/error.h"

namespace lq::cli {

void WeightsFlags::add_to(CLI::App& verb) {
  verb.add_option(
          "--weights", weights,
          "What an error counts: none; fisher: the paper; input: by the layer's inputs; kfac: by inputs and "
          "gradients. Default: kfac with --data or --stats, else none")
      ->check(CLI::IsMember({"none", "fisher", "input", "kfac"}));
  auto* file = verb.add_option("--stats", stats, "Statistics made by lqlora calibrate");
  verb.add_option("--data", data, "Text to calibrate on: .txt, .jsonl, .csv (also .gz), or a folder of those")
      ->excludes(file);
  verb.add_option("--field", field, "Field of a record that holds its text")->capture_default_str();
  verb.add_option("--samples", samples, "Windows of text to calibrate on, at most")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  verb.add_option("--seq-len", seq_len,
                  "Tokens of a window; default 512, or the model's context where that is shorter")
      ->check(CLI::Range(2, 1 << 24));
}

WeightsKind WeightsFlags::kind() const {
  if (!weights.empty()) return parse_weights(weights);
  return data.empty() && stats.empty() ? WeightsKind::kNone : WeightsKind::kKfac;
}

CalibrationSource WeightsFlags::source() const {
  return {.stats = stats, .data = data, .field = field, .samples = samples, .seq_len = seq_len};
}

void ConstraintFlags::add_to(CLI::App& verb) {
  verb.add_option("--min-bits", min_bits,
                  "B or PATTERN=B: at least this for each (matching) matrix (repeatable)");
  verb.add_option("--max-bits", max_bits,
                  "B or PATTERN=B: at most this for each (matching) matrix (repeatable)");
  verb.add_option("--pin", pins, "PATTERN=CONFIG: this configuration for matching matrices (repeatable)");
  verb.add_option("--cap", caps,
                  "PATTERN=B: at most this on average over the matching matrices (repeatable)");
  verb.add_option("--layer-cap", layer_cap, "At most this many bits on average over each layer")
      ->check(CLI::PositiveNumber);
}

Constraints ConstraintFlags::constraints() const {
  Constraints c;
  for (const auto& text : min_bits) c.min_bits.push_back(parse_bits_rule(text, "--min-bits"));
  for (const auto& text : max_bits) c.max_bits.push_back(parse_bits_rule(text, "--max-bits"));
  for (const auto& text : pins) c.pins.push_back(parse_pin(text, "--pin"));
  for (const auto& text : caps) c.caps.push_back(parse_bits_rule(text, "--cap"));
  if (layer_cap > 0.0) c.layer_cap = layer_cap;
  return c;
}

std::vector<NfConfig> parse_configs(const std::vector<std::string>& texts) {
  std::vector<NfConfig> configs;
  for (const std::string& text : texts) {
    const NfConfig config = parse_nf_config(text);
    if (std::find(configs.begin(), configs.end(), config) == configs.end()) configs.push_back(config);
  }
  return configs;
}

}  // namespace lq::cli
