#include "jobs/options/eval_options.h"

#include "base/hash.h"
#include "eval/task.h"
#include "files/json_file.h"
#include "files/options/option_values.h"

namespace lq {
namespace {

std::string task_names() {
  std::string names = "perplexity, perplexity:WINDOW, vicuna";
  for (const Task& task : all_tasks()) names += ", " + task.name;
  return names;
}

// A job knows a file with the definition of a task by what it says.
std::optional<nlohmann::json> tasks_identity(const std::vector<std::string>& tasks) {
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& task : tasks) {
    all.push_back(task);
    if (is_task_file(task)) all.push_back(hash_hex(read_text(task)));
  }
  return all;
}

}  // namespace

bool is_task_file(std::string_view task) { return task.ends_with(".toml"); }

void describe(OptionVisitor& v, EvalText& o) {
  v.option({.key = "field", .help = "Field of a record that holds its text"}, text(o.field));
  v.option({.key = "seq-len", .help = "Tokens of a window"}, integer(o.seq_len, 2, 1 << 24));
}

void describe(OptionVisitor& v, EvalOptions& o) {
  describe(v, o.model);
  v.option(
      {.key = "tasks",
       .help = "What to measure: " + task_names() + ", or a TOML file that describes a task (docs/tasks.md)",
       .required = true},
      identity_by(texts(o.tasks, true), [&o] { return tasks_identity(o.tasks); }));
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
  v.option({.key = "max-tokens", .help = "Tokens of a generated answer; 0: the task's own number"},
           integer(o.max_tokens, 0, 1 << 20));
  v.option({.key = "log-samples",
            .help = "File for one line of JSON a document: asked, found, right",
            .changes_result = false},
           path(o.samples));
  v.option({.key = "out",
            .help = "Results as lm-evaluation-harness writes them (.json); answers are kept in OUT.work "
                    "meanwhile, and the same command run again goes on from there",
            .letter = "o",
            .changes_result = false},
           path(o.out));
  v.option(
      {.key = "answers", .help = "Of vicuna: the answers, as FastChat writes them", .changes_result = false},
      path(o.answers));
  v.option({.key = "judge-pairs",
            .help = "Of vicuna: a file of this model's answers beside those of `reference`, for a judge",
            .changes_result = false},
           path(o.judge_pairs));
  v.option(
      {.key = "format", .help = "Of vicuna: a chat template by its name, instead of the tokenizer's own"},
      text(o.format));
  v.option({.key = "model-id", .help = "Of vicuna: what the model is called; default: its folder's name"},
           text(o.model_id));
  v.option(
      {.key = "reference-id", .help = "Of vicuna: what `reference` is called; default: its folder's name"},
      text(o.reference_id));
}

}  // namespace lq
