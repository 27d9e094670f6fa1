#include "jobs/options/eval_options.h"

#include "eval/task.h"
#include "files/options/option_values.h"

namespace lq {
namespace {

std::vector<std::string> task_names() {
  std::vector<std::string> names = {"perplexity"};
  for (const Task& task : all_tasks()) names.emplace_back(task.name);
  return names;
}

}  // namespace

void describe(OptionVisitor& v, EvalText& o) {
  v.option({.key = "field", .help = "Field of a record that holds its text"}, text(o.field));
  v.option({.key = "seq-len", .help = "Tokens of a window"}, integer(o.seq_len, 2, 1 << 24));
}

void describe(OptionVisitor& v, EvalOptions& o) {
  describe(v, o.model);
  v.option({.key = "tasks", .help = "What to measure", .required = true}, words(o.tasks, task_names()));
  v.option({.key = "data",
            .help = "Of perplexity a text: .txt, .jsonl, .json, .csv, .tsv (also compressed), or a folder of "
                    "those; of the others the folder that has a folder for each task",
            .required = true},
           path(o.data));
  describe(v, o.text);
  v.option(
      {.key = "reference",
       .help = "Also the KL divergence from this model's predictions, such as the dense one, and how many "
               "answers changed"},
      path(o.reference));
  v.option({.key = "limit", .help = "Of a task only the first documents of each file; 0: all"},
           integer(o.limit, 0));
  v.option({.key = "num-fewshot", .help = "Examples before a question, instead of the task's own number"},
           integer(o.shots, 0, 1000));
  v.option({.key = "log-samples", .help = "File for one line of JSON a document: asked, found, right"},
           path(o.samples));
}

}  // namespace lq
