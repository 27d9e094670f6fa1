// The options of eval, described (files/options/option.h): read by the command line and, of the text, by
// recipes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/options/model_source.h"

namespace lq {

// How a text is read and cut.
struct EvalText {
  std::string field = "text";  // of a record that holds its text
  std::int64_t seq_len = 512;  // tokens of a window
};

struct EvalOptions {
  ModelSource model = {};
  // "perplexity" or "perplexity:WINDOW", "vicuna", those of eval/task.h, and files (eval/custom_task.h).
  std::vector<std::string> tasks = {};
  std::filesystem::path data = {};
  EvalText text = {};
  std::filesystem::path reference = {};  // empty: no KL divergence
  std::int64_t limit = 0;                // documents of each file of a task; 0: all
  std::optional<std::int64_t> shots = {};
  std::filesystem::path samples = {};  // empty: not written
  std::filesystem::path out = {};      // results in lm-evaluation-harness's schema; empty: not written
  std::int64_t max_tokens = 0;         // of a generated answer; 0: the task's own number
  // Of vicuna: FastChat's answer file and its file of pairs, the chat format (empty: the tokenizer's), and
  // what the models are called (empty: their folders' names).
  std::filesystem::path answers = {}, judge_pairs = {};
  std::string format = {}, model_id = {}, reference_id = {};
};

// Whether a task's name is that of a file.
bool is_task_file(std::string_view task);

void describe(OptionVisitor& v, EvalText& o);
void describe(OptionVisitor& v, EvalOptions& o);

}  // namespace lq
