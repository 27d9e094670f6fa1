// The options of the verbs that look at things, described (files/options/option.h): data preview, tokenize,
// inspect.
#pragma once

#include <cstdint>
#include <filesystem>

#include "files/options/option.h"
#include "train/finetune_options.h"

namespace lq {

struct PreviewOptions {
  std::filesystem::path model;
  TrainingDataOptions data = finetune_defaults().data;
  std::int64_t count = 5;
};

struct TokenizeOptions {
  std::filesystem::path tokenizer;  // or a model's directory
  std::filesystem::path file = {};  // empty: standard input
  bool decode = false, pieces = false, special = false;
};

struct InspectOptions {
  std::filesystem::path path;
  bool no_hash = false;
};

void describe(OptionVisitor& v, PreviewOptions& o);
void describe(OptionVisitor& v, TokenizeOptions& o);
void describe(OptionVisitor& v, InspectOptions& o);

}  // namespace lq
