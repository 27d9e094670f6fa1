#include "cli/plan_flags.h"

#include <fmt/format.h>

#include "base/error.h"

namespace lq::cli {

void WeightsFlags::add_to(CLI::App& verb) {
  verb.add_option(
          "--importance,--weights", weights,
          "What an error counts: none; fisher: the paper; input: by the layer's inputs; kfac: by inputs and "
          "gradients. Default: kfac for method lq with --data or --stats, "
          "input for gptq, else none")
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

void QuantizerFlags::add_to(CLI::App& verb) {
  std::string formats;
  for (const QuantFormat* f : quant_formats()) formats += fmt::format("{}: {}; ", f->name(), f->help());
  verb.add_option("--format,--codebook", format,
                  formats +
                      "several with commas between: choose among all of them, under a budget. Default: lm "
                      "for method lq with a budget, int for gptq, else nf");
  verb.add_option(
          "--scales", scales,
          "absmax: the largest weight of a block; search: least squared error. Default: search for method lq "
          "with a budget and without feedback, else absmax")
      ->check(CLI::IsMember({"absmax", "search"}));
  auto* on = verb.add_flag(
      "--feedback", feedback,
      "Choose codes one after another, each against the errors before it. Default: on for method "
      "lq with --importance input or kfac");
  verb.add_flag("--no-feedback", no_feedback, "Choose each code alone")->excludes(on);
}

MethodChoices method_choices(DecomposeMethod method, bool uniform, const WeightsFlags& weights,
                             const QuantizerFlags& quantizer) {
  MethodChoices c;
  c.method = method;
  c.uniform = uniform;
  c.has_statistics = weights.has_source();
  if (!weights.weights.empty()) c.weights = parse_weights(weights.weights);
  if (!quantizer.format.empty()) c.formats = FormatSet::parse(quantizer.format, "format").names();
  if (!quantizer.scales.empty())
    c.scales = quantizer.scales == "search" ? ScaleMode::kSearch : ScaleMode::kAbsMax;
  if (quantizer.feedback || quantizer.no_feedback) c.feedback = quantizer.feedback;
  return c;
}

void RankFlags::add_to(CLI::App& verb) {
  verb.add_option(
          "--rank", rank,
          "Rank of L1 L2 (0: none). auto, or a list such as 0,8,16: choose each matrix's as well, under a "
          "budget that counts the factors")
      ->capture_default_str();
  verb.add_option("--factors", factors, "Stored type of L1 and L2. Default: bf16 with --rank auto, else f32")
      ->check(CLI::IsMember({"f32", "bf16"}));
}

RankChoices RankFlags::apply(DecomposeOptions& decompose) const {
  RankChoices choices = parse_rank_choices(rank);
  const bool alone = !method_traits(decompose.method).factors;
  LQ_CHECK(!alone || !choices.chosen(), kInvalidArgument, "--rank {}: method {} has no low-rank part", rank,
           decompose_method_name(decompose.method));
  decompose.rank = alone ? 0 : choices.rank;
  const bool narrow = factors.empty() ? choices.chosen() : factors == "bf16";
  decompose.factors = narrow ? DType::kBf16 : DType::kF32;
  return choices;
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

Constraints ConstraintFlags::constraints(const FormatSet& formats) const {
  Constraints c;
  for (const auto& text : min_bits) c.min_bits.push_back(parse_bits_rule(text, "min-bits"));
  for (const auto& text : max_bits) c.max_bits.push_back(parse_bits_rule(text, "max-bits"));
  for (const auto& text : pins) {
    c.pins.push_back(parse_pin(text, "pin"));
    c.pins.back().choice = pinned_name(c.pins.back().choice, formats, fmt::format("pin {}", text));
  }
  for (const auto& text : caps) c.caps.push_back(parse_bits_rule(text, "cap"));
  if (layer_cap > 0.0) c.layer_cap = layer_cap;
  return c;
}

}  // namespace lq::cli
