// `report`: what runs have made, on one page.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "files/options/option.h"

namespace lq {

struct ReportOptions {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;  // an HTML file; one that is there is replaced
};
void describe(OptionVisitor& v, ReportOptions& o);

// A run and what it is: "quantize", "finetune", "comparison" (of compare and glue) or "scores" (eval's, also
// the harness's).
struct ReportedRun {
  std::filesystem::path path;
  std::string kind;
};

// Writes the page, a section for each run in their order: facts, tables, plots; nothing on it is loaded from
// elsewhere. Throws Error(kNotFound) for a path that is not there, Error(kUnsupported) for one that is no
// run, Error(kCorruptFile) naming file and key for a damaged one, before anything is written; Error(kIo).
std::vector<ReportedRun> write_report(const ReportOptions& options);

}  // namespace lq
