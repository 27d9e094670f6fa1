// The examples of a run as its user names them: files, a chat template, a tokenizer.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "data/example_set.h"
#include "files/folder.h"
#include "templates/chat_template.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct TrainingDataOptions {
  std::vector<DataSource> train = {};
  std::vector<DataSource> validation = {};  // besides examples.validation, the share of `train`
  std::string chat_template = {};           // by name; empty: the model's own, where it has one
  ExampleSetOptions examples = {};          // format.chat, bos and eos are filled in here
};

// model: the folder of tokenizer and template. Notes in `progress` what is odd about the template, and
// what of the data is left out or not understood (ExampleSet::report). A template of the
// model that is not understood, or that the tokenizer cannot write (it gives unknown tokens), is refused
// where a conversation needs it; one that was chosen, at once (kMismatch). Throws what read_examples throws.
ExampleSet read_training_data(const TrainingDataOptions& options, const Folder& model,
                              const Tokenizer& tokenizer, Progress& progress);

// Throws Error(kMismatch) where the tokenizer cannot write it; returns what is odd, empty where nothing is.
std::string check_template(const ChatTemplate& chat, const Tokenizer& tokenizer);

}  // namespace lq
