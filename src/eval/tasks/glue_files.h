// GLUE's files as they are published: tab-separated, quotes as they are, a header in all but CoLA's; or JSON
// records as the hub has them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/labelled_text.h"
#include "eval/task_files.h"
#include "eval/tasks/glue.h"

namespace lq {

struct GlueTexts {
  std::filesystem::path file;
  std::vector<LabelledText> texts;
  // Rows with fewer columns than the header, left out as Hugging Face leaves them out (QQP has some).
  std::int64_t short_rows = 0;
  std::string first_short;     // "path:line" of the first of them
  std::int64_t long_rows = 0;  // more columns than the header, read by its names all the same
  std::string first_long;
  std::int64_t malformed_rows = 0;  // not UTF-8: each malformed part became U+FFFD
  std::string first_malformed;
};

// The file of a split in DATA, or in DATA/TITLE where that is a folder ("SST-2", or "sst2"): one of the
// task's names with .tsv, .jsonl or .json, also compressed; of several names the first. Nothing where there
// is none.
std::optional<std::filesystem::path> find_glue_file(const GlueTask& task, const std::filesystem::path& data,
                                                    Split split);

// Reads one file. A record's label may be its name or its number; -1 or none in JSON, or no label's column:
// texts without labels. limit: at most so many texts (0: all). Throws Error(kCorruptFile) with file, line and
// column for a missing column, an unknown label, a score outside [0, 5]; Error(kInvalidArgument) for a file
// without a text.
GlueTexts read_glue_file(const GlueTask& task, const std::filesystem::path& file, std::int64_t limit = 0);

// The same of a split of DATA (or of DATA itself, where that is a file). Throws Error(kNotFound) naming the
// folder and the names that were looked for.
GlueTexts read_glue_split(const GlueTask& task, const std::filesystem::path& data, Split split,
                          std::int64_t limit = 0);

// Throws Error(kInvalidArgument) where a text has no label, or all have the same: nothing can be learnt.
void check_glue_labels(const GlueTask& task, const GlueTexts& texts);

}  // namespace lq
