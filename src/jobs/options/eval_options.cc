#include "jobs/options/eval_options.h"

#include "files/options/option_values.h"

namespace lq {

void describe(OptionVisitor& v, EvalText& o) {
  v.option({.key = "field", .help = "Field of a record that holds its text"}, text(o.field));
  v.option({.key = "seq-len", .help = "Tokens of a window"}, integer(o.seq_len, 2, 1 << 24));
}

void describe(OptionVisitor& v, EvalOptions& o) {
  describe(v, o.model);
  v.option({.key = "tasks", .help = "What to measure: perplexity", .required = true},
           words(o.tasks, {"perplexity"}));
  v.option({.key = "data",
            .help = "Text: .txt, .jsonl, .json, .csv, .tsv (also compressed), or a folder of those",
            .required = true},
           path(o.data));
  describe(v, o.text);
  v.option({.key = "reference",
            .help = "Also the KL divergence from this model's predictions, such as the dense one"},
           path(o.reference));
}

}  // namespace lq
