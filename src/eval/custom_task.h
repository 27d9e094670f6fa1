// A benchmark of the user's own, described in a TOML file:
//
//   name = "harbour_quiz"    # and the folder of its data, DATA/harbour_quiz/test.jsonl
//   kind = "choice"          # or "generate"
//   prompt = "{{place}}: {{question}}\nAnswer:"  # Jinja over the fields of a record
//   choices = ["yes", "no", "not in {{place}}"]  # Jinja each
//   answer = "{{answer}}"    # of a choice: its number from 0, or its text; else the right text
//   metrics = ["acc", "acc_norm"]  # of choices; of texts it is exact_match
//   shots = 2                # examples before the question
//   description = "..."      # stands before them
//   split = "test"           # and shots-from = "train", shot-order = "drawn" or "first"
//   delimiter = " "          # between question and answer
//
// Instead of `choices`, choices-field = "options" names a field that lists them. Of kind "generate":
//
//   regex = "#### ([0-9]+)"  # what of the text is the answer: the group, if it has one
//   take = "first"           # or "last" match
//   stop = ["\n"]            # texts that end it
//   max-tokens = 256
//   ignore-case = false
//
// The words mean what they mean in a task file of lm-evaluation-harness, so that one can be written as the
// other.
#pragma once

#include <filesystem>
#include <string_view>

#include "eval/task.h"

namespace lq {

// Throws Error(kNotFound) for the file, Error(kCorruptFile) and Error(kInvalidArgument) as one line
// "FILE:LINE: ...". The task's items throw Error(kCorruptFile) with the record's place for a field that the
// prompt asks for and the record does not have, and for an answer that is none of the choices.
Task read_custom_task(const std::filesystem::path& file);
// The same of text, as if it stood in `file`.
Task parse_custom_task(std::string_view text, const std::filesystem::path& file);

}  // namespace lq
