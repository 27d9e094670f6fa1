#include "data/data_files.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "files/compressed.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

struct Ending {
  std::string_view text;
  FileKind kind;
};
constexpr std::array kEndings = {
    Ending{".jsonl"sv, FileKind::kJson},     Ending{".ndjson"sv, FileKind::kJson},
    Ending{".jsonlines"sv, FileKind::kJson}, Ending{".jl"sv, FileKind::kJson},
    Ending{".json"sv, FileKind::kJson},      Ending{".csv"sv, FileKind::kCsv},
    Ending{".tsv"sv, FileKind::kTsv},        Ending{".tab"sv, FileKind::kTsv},
    Ending{".txt"sv, FileKind::kText},       Ending{".text"sv, FileKind::kText},
};

// Data that people keep in folders and that is not read.
constexpr std::array kUnread = {".parquet"sv, ".arrow"sv, ".feather"sv, ".zip"sv,  ".tar"sv,    ".7z"sv,
                                ".avro"sv,    ".orc"sv,   ".pkl"sv,     ".xlsx"sv, ".sqlite"sv, ".h5"sv};

std::string lower_extension(const fs::path& path) {
  std::string out = path.extension().string();
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c);
  return out;
}

// The ending that tells the kind: the one before a compressed file's own.
std::string ending_of(fs::path path) {
  if (is_compression_suffix(lower_extension(path))) path = path.stem();
  return lower_extension(path);
}

}  // namespace

FileKind kind_of_name(const fs::path& path) {
  const std::string ending = ending_of(path.filename());
  const auto it = std::ranges::find(kEndings, ending, &Ending::text);
  return it == kEndings.end() ? FileKind::kUnknown : it->kind;
}

std::vector<fs::path> data_files(const fs::path& path, DataReport* report) {
  std::error_code ec;
  LQ_CHECK(fs::exists(path, ec), kNotFound, "{}: no such file or folder", path.string());
  if (!fs::is_directory(path, ec)) return {path};
  std::vector<fs::path> files, unread, hidden;
  for (auto it = fs::recursive_directory_iterator(path, ec); it != fs::recursive_directory_iterator();
       it.increment(ec)) {
    if (it->path().filename().string().starts_with('.')) {  // copies of editors and file systems
      if (it->is_directory(ec)) it.disable_recursion_pending();
      hidden.push_back(it->path());
      continue;
    }
    if (!it->is_regular_file(ec)) continue;
    const bool wanted = kind_of_name(it->path()) != FileKind::kUnknown;
    const bool known = std::ranges::find(kUnread, ending_of(it->path())) != kUnread.end();
    if (wanted) files.push_back(it->path());
    if (known) unread.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  std::sort(unread.begin(), unread.end());
  LQ_CHECK(!files.empty(), kNotFound,
           "{}: no data files in this folder (.txt, .jsonl, .json, .csv, .tsv, also .gz, .zst, .xz, .bz2){}",
           path.string(),
           unread.empty() ? ""
                          : fmt::format("; {} and {} more such files cannot be read as data",
                                        unread.front().filename().string(), unread.size() - 1));
  std::sort(hidden.begin(), hidden.end());
  if (report != nullptr) {
    for (const fs::path& entry : hidden) report->count(Finding::kHiddenPassedOver, "", entry.string());
    for (const fs::path& file : unread) {
      report->count(Finding::kFilePassedOver, ending_of(file), file.string());
    }
  }
  return files;
}

}  // namespace lq
