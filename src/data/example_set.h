// All examples of a fine-tuning run, encoded, from one or several weighted files, with a validation split.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "data/encode_example.h"
#include "data/record_reader.h"

namespace lq {

struct DataSource {
  std::filesystem::path path;  // a file, or a folder of data files
  // How often an epoch sees each example: 2 twice, 0.5 each half of the epochs.
  double weight = 1.0;
};
// "file.jsonl" or "file.jsonl:0.5". Throws kInvalidArgument for a weight that is not a positive number.
DataSource parse_source(const std::string& text);

struct ExampleSetOptions {
  ExampleFormat format = {};
  EncodeExampleOptions encode = {};
  std::int64_t max_length = 2048;         // tokens of an example
  bool drop_long = false;                 // leave longer ones out instead of cutting them
  RecordOptions records = {};             // skip_bad also passes over examples that do not fit the format
  std::string_view purpose = "train on";  // of the examples, for the error where there are none
  // Share of the examples kept for validation, and the seed that picks them.
  double validation = 0.0;
  std::uint64_t seed = 0;
};

struct ExampleSet {
  std::vector<EncodedExample> train, validation;
  std::vector<double> weights;  // of train
  // What happened on the way.
  std::int64_t bad = 0;                         // records passed over
  std::int64_t truncated = 0;                   // examples cut to max_length
  std::int64_t dropped = 0;                     // left out: too long, or nothing in them counts for the loss
  std::int64_t tokens = 0, trained_tokens = 0;  // of train and validation together
  DataReport report;                            // what was left out, changed or not understood, said once
};

// Records with `text` only are cut into windows of max_length instead of being truncated, each of them an
// example of its own. The split depends on the seed and on an example's number, not on the other options.
// Throws kCorruptFile as the readers do; kInvalidArgument where nothing is left to train on.
ExampleSet read_examples(const std::vector<DataSource>& sources, const Tokenizer& tokenizer,
                         const ExampleSetOptions& options, Progress& progress);

}  // namespace lq
