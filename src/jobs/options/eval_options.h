// The options of eval, described (files/options/option.h): read by the command line and, of the text, by
// recipes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
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
  std::vector<std::string> tasks = {};  // "perplexity", and those of eval/task.h
  std::filesystem::path data = {};
  EvalText text = {};
  std::filesystem::path reference = {};  // empty: no KL divergence
  std::int64_t limit = 0;                // documents of each file of a task; 0: all
  std::optional<std::int64_t> shots = {};
  std::filesystem::path samples = {};  // empty: not written
};

void describe(OptionVisitor& v, EvalText& o);
void describe(OptionVisitor& v, EvalOptions& o);

}  // namespace lq
