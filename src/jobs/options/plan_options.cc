#include "jobs/options/plan_options.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "allocate/choice_name.h"
#include "base/option_error.h"
#include "files/options/option_values.h"
#include "quant/ggml/ggml_format.h"

namespace lq {
namespace {

using Json = nlohmann::json;

constexpr const char* kChoosing = "What an error counts, and how codes are chosen";
constexpr const char* kRules = "Rules of a budget";

constexpr EnumName<DType> kFactorTypes[] = {{DType::kF32, "f32"}, {DType::kBf16, "bf16"}};

std::string rule_text(const BitsRule& rule) {
  return rule.pattern == "*" ? fmt::format("{}", rule.bits) : fmt::format("{}={}", rule.pattern, rule.bits);
}

OptionValuePtr bits_rules(std::vector<BitsRule>& field, const char* key) {
  return parsed_list(
      [&field] {
        std::vector<std::string> all;
        for (const BitsRule& rule : field) all.push_back(rule_text(rule));
        return all;
      },
      [&field, key](const std::vector<std::string>& all) {
        field.clear();
        for (const std::string& text : all) field.push_back(parse_bits_rule(text, key));
      },
      [&field] {
        Json all = Json::array();
        for (const BitsRule& rule : field) all.push_back({rule.pattern, rule.bits});
        return all;
      });
}

OptionValuePtr pins(std::vector<Pin>& field) {
  return parsed_list(
      [&field] {
        std::vector<std::string> all;
        for (const Pin& pin : field)
          all.push_back(pin.pattern + "=" + pin.choice + (pin.rank ? fmt::format("@{}", *pin.rank) : ""));
        return all;
      },
      [&field](const std::vector<std::string>& all) {
        field.clear();
        for (const std::string& text : all) field.push_back(parse_pin(text, "pin"));
      },
      [&field] {
        Json all = Json::array();
        for (const Pin& pin : field)
          all.push_back({pin.pattern, choice_name_to_json(pin.choice), pin.rank.value_or(-1)});
        return all;
      });
}

std::string ranks_text(const PlanFields& o) {
  if (o.ranks.automatic) return "auto";
  std::string text;
  for (const std::int64_t rank : o.ranks.ranks)
    fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "" : ",", rank);
  return text.empty() ? std::to_string(o.decompose.rank) : text;
}

// Those of quantize alone too: settle() in quantize_options.cc knows what it means.
constexpr const char* kGgufOutput = "gguf";

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const QuantFormat* f : quant_formats()) names.emplace_back(f->name());
  names.emplace_back(kGgufOutput);
  for (std::string& type : ggml_type_names()) names.push_back(std::move(type));
  return names;
}

std::string format_help() {
  std::string help;
  for (const QuantFormat* f : quant_formats()) help += fmt::format("{}: {}; ", f->name(), f->help());
  return help +
         "gguf (of quantize): ggml, written as GGUF files; q4_k and its like: ggml with these types alone; "
         "several with commas between: choose among all "
         "of them, under a budget. Default: tcq,nf for `method` lq or lorc with a budget and `data` or "
         "`stats`, int for gptq, else nf";
}

// Earlier versions wrote the place of a single format in the table of formats.
Json formats_today(const Json& old) {
  const auto table = quant_formats();
  if (!old.is_number_integer() || old.get<std::uint64_t>() >= table.size()) return old;
  return Json::array({table[old.get<std::size_t>()]->name()});
}

}  // namespace

void describe(OptionVisitor& v, MatrixSelection& selection) {
  v.option({.key = "include", .help = "Only tensors that match this glob become packed (repeatable)"},
           texts(selection.include));
  v.option({.key = "exclude", .help = "Tensors that match this glob stay dense (repeatable)"},
           texts(selection.exclude));
}

void describe(OptionVisitor& v, CalibrationSource& source, bool counts) {
  const bool calibrates = counts && source.stats.empty();
  const bool reads = calibrates && source.self == 0;
  v.option({.key = "stats",
            .help = "Statistics made by lqlora calibrate",
            .group = kChoosing,
            .excludes = {"data", "self"},
            .changes_result = counts,
            .identity = "/plan/stats"},
           contents(source.stats));
  v.option({.key = "data",
            .help = "Text to calibrate on: .txt, .jsonl, .csv (also compressed), or a folder of those",
            .group = kChoosing,
            .changes_result = reads,
            .identity = "/plan/data"},
           contents(source.data));
  v.option({.key = "self",
            .help = "Instead of a text: so many sequences of `seq-len` tokens that the model samples itself",
            .group = kChoosing,
            .open = true,
            .excludes = {"data", "field", "samples"},
            .changes_result = calibrates,
            .identity = "/plan/self"},
           identity_by(integer(source.self, 1, 1 << 30), [&source]() -> std::optional<Json> {
             // Jobs without it are those of versions that did not know it.
             if (source.self == 0) return std::nullopt;
             return Json(source.self);
           }));
  v.option({.key = "field",
            .help = "Field of a record that holds its text",
            .group = kChoosing,
            .changes_result = reads,
            .identity = "/plan/field"},
           text(source.field));
  v.option({.key = "samples",
            .help = "Windows of text to calibrate on, at most",
            .group = kChoosing,
            .changes_result = reads,
            .identity = "/plan/samples"},
           integer(source.samples, 1, 1 << 30));
  v.option({.key = "seq-len",
            .help = "Tokens of a window; default 512, or the model's context where that is shorter",
            .group = kChoosing,
            .open = true,
            .changes_result = calibrates,
            .identity = "/plan/seq_len"},
           integer(source.seq_len, 2, 1 << 24));
}

void describe(OptionVisitor& v, Constraints& c, bool counts) {
  const auto rules = [&](const char* key, const char* help, const char* identity,
                         std::vector<BitsRule>& field) {
    v.option({.key = key, .help = help, .group = kRules, .changes_result = counts, .identity = identity},
             bits_rules(field, key));
  };
  rules("min-bits", "B or PATTERN=B: at least this for each (matching) matrix (repeatable)",
        "/plan/constraints/min_bits", c.min_bits);
  rules("max-bits", "B or PATTERN=B: at most this for each (matching) matrix (repeatable)",
        "/plan/constraints/max_bits", c.max_bits);
  v.option({.key = "pin",
            .help = "PATTERN=CONFIG: this configuration for matching matrices (repeatable)",
            .group = kRules,
            .changes_result = counts,
            .identity = "/plan/constraints/pins"},
           pins(c.pins));
  rules("cap", "PATTERN=B: at most this on average over the matching matrices (repeatable)",
        "/plan/constraints/caps", c.caps);
  v.option({.key = "layer-cap",
            .help = "At most this many bits on average over each layer",
            .group = kRules,
            .changes_result = counts,
            .identity = "/plan/constraints/layer_cap"},
           identity_by(number(c.layer_cap, kAboveZero), [&c] { return Json(c.layer_cap.value_or(0.0)); }));
}

void describe_quantizer(OptionVisitor& v, const PlanFields& o, PlanChoices& open) {
  v.option({.key = "importance",
            .help = "What an error counts: none; fisher: the paper; input: by the layer's inputs; kfac: by "
                    "inputs and gradients. Default: kfac for `method` lq or lorc with `data` or `stats`, "
                    "input for gptq, else none",
            .group = kChoosing,
            .aliases = {"weights"},
            .open = true,
            .identity = "/plan/weights"},
           identity_by(name(open.method.importance, kImportanceNames),
                       [kind = &o.importance] { return Json(importance_name(*kind)); }));
  describe(v, o.calibration, o.importance != ImportanceKind::kNone);
  v.option({.key = "format",
            .help = format_help(),
            .group = kChoosing,
            .aliases = {"codebook"},
            .open = true,
            .identity = "/codebook"},
           identity_by(
               words(open.method.formats, format_names()),
               [formats = &o.formats] { return Json(formats->names()); }, formats_today));
  v.option({.key = "scales",
            .help = "absmax: the largest weight of a block; search: least squared error. Default: search for "
                    "`method` lq (lorc: with `data` or `stats`) with a budget or feedback, else absmax",
            .group = kChoosing,
            .open = true},
           identity_by(
               name(open.method.scales, kScaleModeNames),
               [q = &o.quantizer] { return Json(enum_name(kScaleModeNames, q->scales)); },
               identity_today_of(kScaleModeNames)));
  v.option({.key = "feedback",
            .help = "Choose codes one after another, each against the errors before it. Default: on for "
                    "`method` lq or lorc with `importance` input or kfac",
            .group = kChoosing},
           identity_by(
               switch_to(open.method.feedback, std::optional<bool>(true)),
               [q = &o.quantizer] { return Json(enum_name(kFeedbackNames, q->feedback)); },
               identity_today_of(kFeedbackNames)));
  v.option({.key = "no-feedback",
            .help = "Choose each code alone",
            .group = kChoosing,
            .excludes = {"feedback"},
            .identified_by = "/feedback"},
           switch_to(open.method.feedback, std::optional<bool>(false)));
}

void describe_ranks(OptionVisitor& v, const PlanFields& o, PlanChoices& open, const std::string& place) {
  v.option({.key = "rank",
            .help = "Rank of L1 L2 (0: none). auto, or a list such as 0,8,16: choose each matrix's as well, "
                    "under a budget that counts the factors",
            .identity = place + "/rank"},
           parsed([o] { return ranks_text(o); },
                  [o](const std::string& text) {
                    o.ranks = parse_rank_choices(text);
                    o.decompose.rank = o.ranks.rank;
                  },
                  [o] {
                    return o.ranks.automatic        ? Json("auto")
                           : !o.ranks.ranks.empty() ? Json(o.ranks.ranks)
                                                    : Json(o.decompose.rank);
                  }));
  v.option({.key = "factors",
            .help = "Stored type of L1 and L2. Default: bf16 with `rank` auto, else f32",
            .open = true,
            .identity = place + "/factors"},
           identity_by(name(open.factors, kFactorTypes),
                       [d = &o.decompose] { return Json(dtype_name(d->factors)); }));
}

void describe_configs(OptionVisitor& v, const PlanFields& o, PlanChoices& open, const std::string& fallback,
                      bool counts) {
  v.option({.key = "configs",
            .help = "Choose among these: lean (good ones: 78 of a codebook), all (648), or "
                    "b,b0,b1,B0,B1 or "
                    "int-row,B each; default: " +
                    fallback,
            .open = true,
            .changes_result = counts,
            .identity = "/plan/configs"},
           identity_by(texts(open.configs), [budget = &o.budget, formats = &o.formats] {
             return choices_to_json(budget->configs, *formats);
           }));
}

void describe_method(OptionVisitor& v, DecomposeOptions& decompose, const std::vector<std::string>& names,
                     const std::string& place) {
  std::string help;
  for (const std::string& name : names) {
    help += fmt::format("{}{}: {}", help.empty() ? "" : "; ", name,
                        method_traits(parse_decompose_method(name)).help);
  }
  v.option({.key = "method", .help = help, .identity = place + "/method"},
           named(
               names, [&decompose] { return std::string(decompose_method_name(decompose.method)); },
               [&decompose](const std::string& name) { decompose.method = parse_decompose_method(name); }));
}

PlanFields fields_of(PlanOptions& o) {
  return {o.selection, o.formats, o.quantizer, o.decompose, o.ranks, o.importance, o.calibration, o.budget};
}

void settle_types(PlanChoices& open) {
  const std::vector<std::string> names = ggml_type_names();
  std::vector<std::string> types;
  std::erase_if(open.method.formats, [&](const std::string& format) {
    if (std::ranges::find(names, format) == names.end()) return false;
    types.push_back(fmt::format("{},{}", kGgmlFormat, format));
    return true;
  });
  if (types.empty()) return;
  check_option(open.method.formats.empty(), "format",
               "holds types of ggml beside other formats: name ggml, and the types among `configs`");
  check_option(open.configs.empty(), "configs", "and types of ggml as `format` exclude each other");
  open.method.formats = {std::string(kGgmlFormat)};
  open.configs = std::move(types);
}

void settle_plan(const PlanFields& o, const PlanChoices& open, bool uniform) {
  const bool alone = !method_traits(o.decompose.method).factors;
  check_option(!alone || !o.ranks.chosen(), "rank", "{}: method {} has no low-rank part", ranks_text(o),
               decompose_method_name(o.decompose.method));
  if (alone) o.decompose.rank = 0;
  o.decompose.factors = open.factors.value_or(o.ranks.chosen() ? DType::kBf16 : DType::kF32);
  MethodChoices choices = open.method;
  choices.method = o.decompose.method;
  choices.uniform = uniform;
  const CalibrationSource& source = o.calibration;
  check_option(source.self == 0 || (source.data.empty() && source.stats.empty()), "self",
               "excludes `data` and `stats`: the model samples the text to calibrate on itself");
  choices.has_statistics = source.given();
  // Ranges alone make poor scales of so few values a block.
  if (choices.formats == std::vector<std::string>{std::string(kGgmlFormat)} && !choices.scales) {
    choices.scales = ScaleMode::kSearch;
  }
  const MethodSettings settings = settle(choices);
  o.importance = settings.importance;
  o.formats = settings.formats;
  o.quantizer = settings.quantizer;
}

void settle_pins(Constraints& constraints, const FormatSet& formats) {
  for (Pin& pin : constraints.pins)
    pin.choice = pinned_name(pin.choice, formats, fmt::format("pin {}={}", pin.pattern, pin.choice));
}

}  // namespace lq
