// Which files of a folder are data, and of which kind a file is by its name.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "data/data_report.h"

namespace lq {

enum class FileKind { kJson, kCsv, kTsv, kText, kUnknown };

// By the ending, the one before .gz, .zst, .xz or .bz2, in any case. kUnknown: the content has to tell.
FileKind kind_of_name(const std::filesystem::path& path);

// Files to read for a path: itself, or the data files (those whose ending says so) in a folder and below it,
// sorted by path, without those in outputs of this program. report, which may be null, counts files of the
// folder that hold data in a form that is not read (.parquet, .arrow, .zip ...) and what is no file. Throws
// kNotFound where the path does not exist or the folder has none, kIo where it or a folder below it cannot be
// read.
std::vector<std::filesystem::path> data_files(const std::filesystem::path& path,
                                              DataReport* report = nullptr);

// Counts those of the folder's files that data sets name as their test or validation part, where others are
// there too: they are read like these.
void count_split_names(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& files,
                       DataReport& report);

}  // namespace lq
