#include "jobs/options/quantize_options.h"

#include <algorithm>

#include "base/option_error.h"
#include "base/version.h"
#include "files/options/job_identity.h"
#include "files/options/option_values.h"
#include "quant/ggml/ggml_format.h"

namespace lq {
namespace {

constexpr const char* kBits = "Every matrix alike, or a budget";

constexpr EnumName<ggml::GgmlType> kTableTypes[] = {{ggml::GgmlType::kF16, "f16"},
                                                    {ggml::GgmlType::kF32, "f32"},
                                                    {ggml::GgmlType::kBf16, "bf16"},
                                                    {ggml::GgmlType::kQ8_0, "q8_0"}};

PlanFields fields_of(QuantizeOptions& o) {
  return {o.selection,    o.formats,    o.quantizer,   o.decompose,
          o.rank_choices, o.importance, o.calibration, o.budget};
}

void describe_bits(OptionVisitor& v, QuantizeOptions& o, QuantizeChoices& open) {
  const bool budget = o.budget.given();
  v.option(
      {.key = "nf",
       .help = "Every matrix alike, codes of this many bits: (B,8,fp32,64,256); default 4",
       .group = kBits,
       .identified_by = "/config"},
      named(
          {"2", "3", "4", "5", "6", "8"}, [&open] { return open.nf == 0 ? "" : std::to_string(open.nf); },
          [&open](const std::string& bits) { open.nf = std::stoi(bits); }));
  v.option({.key = "config",
            .help = "Every matrix alike: b,b0,b1,B0,B1 such as 3,8,fp32,64,256, or FORMAT,... such as "
                    "int-row,4",
            .group = kBits,
            .excludes = {"nf"},
            .identified_by = "/config"},
           text(open.config));
  v.option({.key = "bits",
            .help = "Mixed configurations, chosen by integer programme: this many bits per weight on average",
            .group = kBits,
            .open = true,
            .changes_result = budget,
            .identity = "/plan/bits"},
           number(o.budget.bits, kAboveZero));
  v.option({.key = "memory",
            .help = "The same, so that fine-tuning the low-rank part fits into this much memory, such as "
                    "6GiB",
            .group = kBits,
            .changes_result = budget,
            .identity = "/plan/memory"},
           bytes(o.budget.memory));
  v.option({.key = "table",
            .help = "Error table made by lqlora sweep, instead of sweeping",
            .group = kBits,
            .changes_result = budget,
            .identity = "/plan/table"},
           contents(o.budget.table));
  v.option({.key = "allocation",
            .help = "Allocation made by lqlora allocate, instead of `bits`",
            .group = kBits,
            .changes_result = budget,
            .identity = "/plan/allocation"},
           contents(o.budget.allocation));
}

// The choice that every matrix gets without a budget.
QuantChoice uniform_choice(const QuantizeChoices& open, const FormatSet& formats) {
  if (open.config.empty()) return formats.uniform(open.nf == 0 ? 4 : open.nf);
  const QuantChoice choice = formats.choice_of(open.config, "`config`");
  check_option(formats.contains(choice.format), "config", "{} is of format {}, but `format` is {}",
               open.config, choice.format, formats.text());
  return choice;
}

}  // namespace

void describe(OptionVisitor& v, QuantizeOptions& o, QuantizeChoices& open) {
  const PlanFields fields = fields_of(o);
  const bool budget = o.budget.given();
  v.option({.key = "model",
            .help = "Hugging Face model directory",
            .position = "MODEL",
            .required = true,
            .identified_by = "/source_hash"},
           path(o.model));
  v.option(
      {.key = "out", .help = "Directory to write", .letter = "o", .required = true, .changes_result = false},
      path(o.out));
  describe_bits(v, o, open);
  describe_configs(v, fields, open, "lean", budget);
  describe(v, o.budget.constraints, budget);
  describe_quantizer(v, fields, open);
  describe_ranks(v, fields, open, "/decompose");
  describe_method(v, o.decompose, {"lq", "loftq", "lorc", "qlora", "gptq"}, "/decompose");
  v.option({.key = "iterations",
            .help = "At most this many alternations (default: 100 for lq, 5 for loftq)",
            .open = true,
            .identity = "/decompose/max_iterations"},
           integer(o.decompose.max_iterations, 1, 10000));
  v.option(
      {.key = "alpha", .help = "lora_alpha of the adapter; default: the rank, a scaling of 1", .open = true},
      number(o.alpha, kAlphaRange));
  describe(v, o.selection);
  v.option({.key = "embeddings",
            .help = "With `format` gguf: type of embedding and head",
            .changes_result = o.gguf.given},
           name(o.gguf.tables, kTableTypes));
  v.option({.key = "max-shard",
            .help = "Cut the weights into files of at most this size",
            .identity = "/max_shard_bytes"},
           bytes(o.max_shard_bytes));
  v.option({.key = "overwrite",
            .help = "Discard an output of lqlora that another command made",
            .changes_result = false},
           flag(o.overwrite));
}

namespace {

// Options that nothing would use.
void refuse_idle(const QuantizeOptions& o) {
  const Constraints& c = o.budget.constraints;
  const std::pair<std::string_view, bool> rules[] = {{"min-bits", !c.min_bits.empty()},
                                                     {"max-bits", !c.max_bits.empty()},
                                                     {"pin", !c.pins.empty()},
                                                     {"cap", !c.caps.empty()},
                                                     {"layer-cap", c.layer_cap.has_value()}};
  const bool solves = o.budget.bits > 0.0 || o.budget.memory > 0;
  for (const auto& [option, given] : rules) {
    check_option(!given || solves, option, "is a rule of a budget: give `bits` or `memory` as well");
  }
  const CalibrationSource& s = o.calibration;
  const CalibrationSource open;
  check_option(s.field == open.field || !s.data.empty(), "field", "is of `data`, which is not given");
  check_option(s.samples == open.samples || !s.data.empty(), "samples", "is of `data`, which is not given");
  check_option(s.seq_len == open.seq_len || !s.data.empty() || s.self > 0, "seq-len",
               "is of `data` or `self`: neither is given");
  const MethodTraits& method = method_traits(o.decompose.method);
  check_option(o.decompose.max_iterations == 0 || method.alternates, "iterations",
               "are of alternations, which `method` {} has none of", method.name);
  const bool factors = method.factors && (o.rank_choices.chosen() || o.decompose.rank > 0);
  check_option(o.alpha == 0.0 || factors, "alpha", "is of a low-rank part, and there is none");
  check_option(o.gguf.tables == GgufOutput().tables || o.gguf.given, "embeddings", "goes with `format` gguf");
  check_option(!o.gguf.given || o.max_shard_bytes == QuantizeOptions().max_shard_bytes, "max-shard",
               "cuts safetensors files; `format` gguf writes one file");
  check_option(o.budget.configs.empty() || o.budget.table.empty(), "configs",
               "are of a sweep; `table` has its own");
}

}  // namespace

void settle(QuantizeOptions& o, const QuantizeChoices& given) {
  QuantizeChoices open = given;
  const bool budget = o.budget.given();
  check_option(open.nf == 0 || open.config.empty(), "config", "and `nf` exclude each other");
  check_option(!budget || (open.nf == 0 && open.config.empty()), open.nf != 0 ? "nf" : "config",
               "makes every matrix the same; `bits`, `memory` and `allocation` choose for each: give one or "
               "the other");
  check_option(budget || o.budget.table.empty(), "table", "serves a budget: give `bits` or `memory` as well");
  check_option(budget || open.configs.empty(), "configs", "serves a budget: give `bits` or `memory` as well");
  if (std::ranges::find(open.method.formats, "gguf") != open.method.formats.end()) {
    check_option(open.method.formats.size() == 1, "format", "gguf goes alone: its types are those of ggml");
    open.method.formats = {std::string(kGgmlFormat)};
    o.gguf.given = true;
  }
  settle_types(open);
  if (!budget && !open.configs.empty()) {
    check_option(open.nf == 0 && open.config.empty(), "format",
                 "says the type, as `{}` does: give one or the other", open.nf != 0 ? "nf" : "config");
    check_option(open.configs.size() == 1, "format",
                 "holds several types, which a budget chooses among: give `bits` or `memory`");
    open.config = open.configs.front();
    open.configs.clear();
  }
  const std::string named = open.config.substr(0, open.config.find_first_of(" ,"));
  if (open.method.formats.empty() && find_quant_format(named) != nullptr) open.method.formats = {named};
  settle_plan(fields_of(o), open, !budget);
  if (!budget || o.formats.names().size() == 1) o.choice = uniform_choice(open, o.formats);
  o.budget.configs = parse_choices(open.configs, o.formats);
  refuse_idle(o);
  settle_pins(o.budget.constraints, o.formats);
}

nlohmann::json job_identity(const QuantizeOptions& options, const std::string& source_hash,
                            std::uint64_t seed) {
  QuantizeOptions o = options;
  QuantizeChoices open;
  nlohmann::json choices = nlohmann::json::object();
  for (const auto& [name, choice] : o.choices) choices[name] = choice_to_json(choice, o.formats);
  nlohmann::json job = {{"verb", "quantize"},
                        {"version", kVersion},
                        {"seed", seed},
                        {"source_hash", source_hash},
                        {"config", choice_to_json(o.choice, o.formats)},
                        {"choices", choices},
                        {"ranks", o.ranks},
                        {"decompose", decompose_options_to_json(o.decompose)}};
  if (o.budget.given()) job["plan"]["memory_tokens"] = o.budget.memory_tokens;
  if (o.gguf.given) job["output"] = "gguf";
  return with_identity(std::move(job), [&](OptionVisitor& v) { describe(v, o, open); });
}

nlohmann::json job_today(const QuantizeOptions& options, const nlohmann::json& old) {
  QuantizeOptions o = options;
  QuantizeChoices open;
  return identity_today(old, [&](OptionVisitor& v) { describe(v, o, open); });
}

}  // namespace lq
