#include "data/data_files.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "files/compressed.h"
#include "files/job_output.h"
#include "files/path_access.h"

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

// What a folder and those below it hold.
struct FolderContent {
  std::vector<fs::path> files, unread, hidden, no_files, outputs;

  void sort() {
    for (auto* list : {&files, &unread, &hidden, &no_files, &outputs}) std::sort(list->begin(), list->end());
  }
};

// One that cannot be listed ends the walk: what is below it may be most of the data.
void look_into(const fs::path& folder, FolderContent& content) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& path = entry.path();
    std::error_code error;
    const fs::file_status status = entry.status(error);
    if (path.filename().string().starts_with('.')) {  // copies of editors and file systems
      content.hidden.push_back(path);
    } else if (fs::is_directory(status) && !entry.is_symlink()) {
      is_output_folder(path) ? content.outputs.push_back(path) : look_into(path, content);
    } else if (!fs::is_regular_file(status)) {
      if (error && !entry.is_symlink()) fail_errno(path, "look at", error.value());
      content.no_files.push_back(path);
    } else {
      if (kind_of_name(path) != FileKind::kUnknown) content.files.push_back(path);
      if (std::ranges::find(kUnread, ending_of(path)) != kUnread.end()) content.unread.push_back(path);
    }
  }
}

// Words by which data sets name their parts that are not trained on.
struct SplitWord {
  std::string_view word, split;
};
constexpr std::array kSplitWords = {
    SplitWord{"test"sv, "test"sv},        SplitWord{"testing"sv, "test"sv},
    SplitWord{"eval"sv, "test"sv},        SplitWord{"evaluation"sv, "test"sv},
    SplitWord{"valid"sv, "validation"sv}, SplitWord{"validation"sv, "validation"sv},
    SplitWord{"val"sv, "validation"sv},   SplitWord{"dev"sv, "validation"sv},
};

// The part that the words of a path name; empty where they name none.
std::string_view split_of(const fs::path& path) {
  std::string word;
  for (const char c : path.string() + "/") {
    const char small = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c);
    if (small >= 'a' && small <= 'z') {
      word.push_back(small);
      continue;
    }
    const auto it = std::ranges::find(kSplitWords, word, &SplitWord::word);
    if (it != kSplitWords.end()) return it->split;
    word.clear();
  }
  return {};
}

}  // namespace

void count_split_names(const fs::path& folder, const std::vector<fs::path>& files, DataReport& report) {
  std::vector<std::string_view> splits;
  for (const fs::path& file : files) splits.push_back(split_of(file.lexically_relative(folder)));
  if (std::ranges::find(splits, std::string_view()) == splits.end()) return;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!splits[i].empty()) report.count(Finding::kSplitName, splits[i], files[i].string());
  }
}

FileKind kind_of_name(const fs::path& path) {
  const std::string ending = ending_of(path.filename());
  const auto it = std::ranges::find(kEndings, ending, &Ending::text);
  return it == kEndings.end() ? FileKind::kUnknown : it->kind;
}

std::vector<fs::path> data_files(const fs::path& path, DataReport* report) {
  const fs::file_status status = path_status(path);
  LQ_CHECK(fs::exists(status), kNotFound, "{}: no such file or folder", path.string());
  if (!fs::is_directory(status)) return {path};
  FolderContent content;
  with_io_errors([&] { look_into(path, content); });
  content.sort();
  const auto& [files, unread, hidden, no_files, outputs] = content;
  LQ_CHECK(!files.empty(), kNotFound,
           "{}: no data files in this folder (.txt, .jsonl, .json, .csv, .tsv, also .gz, .zst, .xz, .bz2){}",
           path.string(),
           unread.empty() ? ""
                          : fmt::format("; {} and {} more such files cannot be read as data",
                                        unread.front().filename().string(), unread.size() - 1));
  if (report != nullptr) {
    for (const fs::path& entry : hidden) report->count(Finding::kHiddenPassedOver, "", entry.string());
    for (const fs::path& entry : outputs) report->count(Finding::kHiddenPassedOver, "", entry.string());
    for (const fs::path& entry : no_files) report->count(Finding::kNoFilePassedOver, "", entry.string());
    for (const fs::path& file : unread) {
      report->count(Finding::kFilePassedOver, ending_of(file), file.string());
    }
  }
  return files;
}

}  // namespace lq
