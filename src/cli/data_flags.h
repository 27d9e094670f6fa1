// Flags of the verbs that read examples: finetune, data.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "train/training_data.h"

namespace lq::cli {

struct DataFlags {
  std::vector<std::string> data, validation_data, fields;
  std::string train_on = "responses";
  TrainingDataOptions given = {.examples = {.max_length = 512}};

  void add_to(CLI::App& verb) {
    verb.add_option("--data", data,
                    "Examples: .txt, .jsonl, .json, .csv, .tsv (also .gz) or a folder; FILE:WEIGHT sees it "
                    "that often an epoch (repeatable)")
        ->required();
    verb.add_option("--val-data", validation_data, "Examples for validation only (repeatable)");
    verb.add_option("--val-share", given.examples.validation, "Share of --data kept for validation")
        ->check(CLI::Range(0.0, 0.999));
    verb.add_option("--seq-len", given.examples.max_length, "Tokens of a row; longer examples are cut")
        ->check(CLI::Range(2, 1 << 24))
        ->capture_default_str();
    verb.add_flag("--drop-long", given.examples.drop_long, "Leave longer examples out instead");
    verb.add_flag("--skip-bad", given.examples.records.skip_bad, "Pass over damaged records and count them");
    verb.add_option("--chat-template", given.chat_template, "Its name (default: the tokenizer's own)");
    verb.add_option("--fields", fields,
                    "Other names of fields or columns, such as prompt=question,completion=answer")
        ->delimiter(',');
    verb.add_option("--train-on", train_on, "responses: only what the model shall say; all: the prompts too")
        ->check(CLI::IsMember({"responses", "all"}))
        ->capture_default_str();
  }
  TrainingDataOptions options() const {
    TrainingDataOptions o = given;
    for (const std::string& text : data) o.train.push_back(parse_source(text));
    for (const std::string& text : validation_data) o.validation.push_back(parse_source(text));
    for (const std::string& pair : fields) {
      const std::size_t equals = pair.find('=');
      LQ_CHECK(equals != std::string::npos && equals > 0 && equals + 1 < pair.size(), kInvalidArgument,
               "--fields {}: expected FIELD=NAME, such as prompt=question", pair);
      o.examples.format.fields[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    o.examples.encode.train_on_all = train_on == "all";
    return o;
  }
};

}  // namespace lq::cli
