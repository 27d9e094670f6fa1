// A benchmark: what it asks of a model about each document, and how the answers become scores. Definitions
// (prompts, choices, normalisation, ties) are lm-evaluation-harness's, whose scores people quote.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "eval/task_files.h"

namespace lq {

// One document, ready to be asked.
struct TaskItem {
  std::string group;  // "anatomy": the part of the benchmark that it belongs to; empty where there is one
  // What stands before the answer: the same for every choice, or one text for each of them.
  std::vector<std::string> contexts;
  // The answers that are compared, or the one whose likelihood is asked for. Delimiter not included.
  std::vector<std::string> choices;
  std::int64_t gold = 0;    // of the choices
  std::vector<bool> right;  // of truthfulqa_mc2: all choices that are true
  std::string shot;         // as an example before another question: question, delimiter, answer
  std::string answer;       // what a generated answer is compared with
  std::string text;         // of a task that scores a whole text
  std::int64_t words = 0;   // of `text`, as its metric counts them
  std::int64_t bytes = 0;
  bool operator==(const TaskItem&) const = default;
};

enum class TaskKind {
  kChoice,    // log-likelihood of every choice
  kLastWord,  // log-likelihood of one text, and whether it is the most likely one (LAMBADA)
  kGenerate,  // a greedy text, from which an answer is extracted
  kRolling,   // log-likelihood of a whole text
};

enum class ShotOrder {
  kDrawn,  // drawn anew for each document, as Python's random.Random(1234).sample would
  kFirst   // the first ones of the pool, in their order
};

// What became of one document's requests.
struct TaskAnswer {
  std::vector<double> log_likelihoods;  // of the choices, in nats; of the text
  std::vector<bool> greedy;             // whether each was the most likely continuation at every step
  std::string text;                     // generated
};

// The scores of one document by the metrics' names: 0 or 1, or a share.
using ItemScores = std::map<std::string, double>;

struct Task {
  std::string name;
  TaskKind kind = TaskKind::kChoice;
  // The split whose documents are scored, and the one that examples come from: its files are looked for in
  // DATA/FOLDER by the names of task_files.h.
  std::string folder;
  Split split = Split::kValidation;
  Split shots_from = Split::kTrain;
  ShotOrder shot_order = ShotOrder::kDrawn;
  // One example more is drawn than is asked for, so that the document itself can be left out. The harness
  // does so where a task has no test split (in its words: the split of the examples is the test split, both
  // are none).
  bool draws_spare = false;
  int shots = 0;  // examples before the question, where the user names no number
  // Whether the split has one file a group ("anatomy_test.csv"), as MMLU has.
  bool file_per_group = false;
  std::function<std::string(const std::string& group)> description = {};  // before the examples; may be empty
  // A record of the split's file as an item. Throws Error(kCorruptFile) with the record's place.
  std::function<TaskItem(const TaskRecord& record)> item = {};
  std::function<ItemScores(const TaskItem& item, const TaskAnswer& answer)> score = {};
  // What the quoted score takes from a generated text; null: all of it.
  std::function<std::string(const std::string& text)> extracted = {};
  std::string quoted = {};  // of its scores the one that people quote, by its name in run_task's result
  std::vector<std::string> stop = {};  // texts that end a generated answer
  std::int64_t max_new_tokens = 256;   // of a generated answer, where the user names no number
  std::string delimiter = " ";         // between the question and its answer
  // The group of a group ("anatomy" is in "stem"); null: none.
  std::string_view (*category)(const std::string& group) = nullptr;
  std::string source;  // of the definition, for docs and --help
  // What lm-evaluation-harness calls it, and which version of its definition this is; 0: not one of its own.
  std::string harness_name = {};
  double harness_version = 0.0;
};

// All tasks, in the order in which help lists them.
const std::vector<Task>& all_tasks();
// Throws Error(kInvalidArgument) for an unknown name, with the nearest known one.
const Task& find_task(std::string_view name);

// task.quoted. Throws Error(kInvalidArgument) naming a task that has none.
const std::string& quoted_metric(const Task& task);

// acc, and acc_norm (by characters) where `normalised`: the first of the greatest wins.
ItemScores score_choice(const TaskItem& item, const TaskAnswer& answer, bool normalised);
// The choice with the greatest log-likelihood, the first of equals.
std::int64_t predicted_choice(const TaskAnswer& answer);
// The same by log-likelihood over characters, as acc_norm takes it.
std::int64_t predicted_choice_by_length(const TaskItem& item, const TaskAnswer& answer);

}  // namespace lq
