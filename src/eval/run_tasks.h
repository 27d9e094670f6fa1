// Benchmarks from files to scores.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/answer_store.h"
#include "eval/task.h"
#include "models/model.h"
#include "tensor/context.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct TaskOptions {
  std::filesystem::path data;        // the folder with a folder for each task
  std::int64_t limit = 0;            // documents of each file, the first ones; 0: all
  int shots = -1;                    // examples before a question; -1: as many as the task's definition says
  std::int64_t max_length = 0;       // tokens that the model is fed at once; 0: what it was made for
  std::int64_t max_new_tokens = 0;   // of a generated answer; 0: as the task's definition says
  const Model* reference = nullptr;  // also how far from this model's answers
  // What a run before has found is taken from here, and what this one finds is put there: of the model, and
  // of the reference where it answers by itself (generated texts). Null: not kept.
  AnswerStore* store = nullptr;
  AnswerStore* reference_store = nullptr;
  // One line a document: what was asked, found and right.
  std::function<void(const nlohmann::ordered_json&)> on_sample = {};
};

// Documents as they are asked: in the order of the files, with their examples before them.
struct AskedItem {
  TaskItem item;
  std::string before;  // description and examples
};
// Throws Error(kNotFound) naming the folder or split that is missing, Error(kCorruptFile) for a record that
// is not of the task, Error(kInvalidArgument) where there are fewer examples than `shots`.
std::vector<AskedItem> asked_items(const Task& task, const TaskOptions& options);

// Scores by lm-evaluation-harness's names: "acc", "acc_stderr", ...; "documents", "shots"; with groups,
// "groups" and "subjects" with the same inside. With a reference "flips" (the share of documents whose answer
// is another one, by acc), "flips_norm" (the same by acc_norm), "kl" (nats a scored token), and for acc what
// the reference has, the difference and the standard error of the difference, over the same documents.
nlohmann::ordered_json run_task(Context& ctx, const Model& model, const Tokenizer& tokenizer,
                                const Task& task, const TaskOptions& options);

}  // namespace lq
