#include "calibrate/calibrate_options.h"

#include <algorithm>

#include "files/options/option_values.h"

namespace lq {
namespace {

// "only": names of what is gathered; none while all of it is.
OptionValuePtr gathered(CalibrateOptions& o) {
  const std::vector<std::string> names = {"fisher", "input", "grad"};
  return option_value({.type = OptionType::kName,
                       .list = true,
                       .commas = true,
                       .expected = alternatives(names),
                       .names = names,
                       .get =
                           [&o] {
                             nlohmann::json all = nlohmann::json::array();
                             if (o.fisher && o.input_moment && o.output_grad_moment) return all;
                             if (o.fisher) all.push_back("fisher");
                             if (o.input_moment) all.push_back("input");
                             if (o.output_grad_moment) all.push_back("grad");
                             return all;
                           },
                       .set =
                           [&o, names](const nlohmann::json& given) {
                             for (const nlohmann::json& one : given) {
                               if (std::find(names.begin(), names.end(), one.get<std::string>()) ==
                                   names.end())
                                 refuse_value(one, alternatives(names));
                             }
                             const auto named = [&](const char* what) {
                               return std::find(given.begin(), given.end(), what) != given.end();
                             };
                             o.fisher = named("fisher");
                             o.input_moment = named("input");
                             o.output_grad_moment = named("grad");
                           }});
}

}  // namespace

void describe(OptionVisitor& v, CalibrateOptions& o) {
  v.option({.key = "model",
            .help = "Model directory; an adapter beside a packed model is not used",
            .position = "MODEL",
            .required = true,
            .identified_by = "/model"},
           path(o.model));
  v.option(
      {.key = "data",
       .help = "Text: .txt, .jsonl, .json, .csv, .tsv (also compressed), or a folder of those (repeatable)",
       .identified_by = "/ids"},
      paths(o.data));
  v.option({.key = "self",
            .help = "Instead of a text: so many sequences of `seq-len` tokens that the model samples itself, "
                    "from its beginning-of-text token, at temperature 1",
            .open = true,
            .excludes = {"data", "field", "samples", "task", "loss"},
            .identified_by = "/self"},
           integer(o.self, 1, std::int64_t{1} << 31));
  v.option({.key = "out",
            .help = "Statistics file to write (safetensors)",
            .letter = "o",
            .required = true,
            .changes_result = false},
           path(o.out));
  v.option({.key = "field", .help = "Field of a record that holds its text", .identified_by = "/ids"},
           text(o.field));
  v.option(
      {.key = "task",
       .help = "A task of GLUE (sst2, rte ...): gradients of its loss; `data` is the folder of its files "
               "(encoders)",
       .identified_by = "/ids"},
      text(o.task));
  v.option({.key = "loss",
            .help = "text: of next tokens (decoders) or hidden ones (encoders); task: of the `task`",
            .identified_by = "/ids"},
           named(
               {"text", "task"}, [&o] { return o.loss_of_task.value_or(!o.task.empty()) ? "task" : "text"; },
               [&o](const std::string& is) { o.loss_of_task = is == "task"; }));
  v.option({.key = "samples", .help = "Windows of text, spread evenly over it", .identified_by = "/ids"},
           integer(o.samples, 1, std::int64_t{1} << 31));
  v.option({.key = "seq-len",
            .help = "Tokens of a window; default: 512, or the model's context",
            .open = true,
            .identified_by = "/seq_len"},
           integer(o.seq_len, 2, 1 << 24));
  v.option({.key = "hold-out",
            .help = "Share of the windows kept apart, to choose between methods by their input moments",
            .identified_by = "/held_out"},
           number(o.hold_out, {.least = 0.0, .most = 0.9}));
  v.option({.key = "full-fisher",
            .help = "Also the whole Fisher, as large as the weights in f32 (for comparisons)",
            .identified_by = "/gather"},
           flag(o.full_fisher));
  v.option({.key = "only",
            .help = "Gather only these: fisher, input, grad (repeatable)",
            .identified_by = "/gather"},
           gathered(o));
}

}  // namespace lq
