#include "eval/task_files.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/printable.h"
#include "data/line_reader.h"
#include "data/record_reader.h"
#include "files/json_file.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

// What publishers call the split. MMLU's examples are its "dev", TruthfulQA's questions its "mc_task".
std::vector<std::string_view> stems(Split split) {
  switch (split) {
    case Split::kTrain:
      return {"train"};
    case Split::kValidation:
      return {"validation", "valid", "dev", "val", "mc_task"};
    case Split::kTest:
      return {"test"};
  }
  return {};
}

std::string stem_of(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.substr(0, name.find('.'));
}

bool holds_records(const fs::path& path) {
  const std::string name = path.filename().string();
  return std::ranges::any_of(std::vector<std::string_view>{".jsonl", ".json", ".csv", ".tsv"},
                             [&](std::string_view ending) { return name.find(ending) != std::string::npos; });
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_regular_file(ignored) && holds_records(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<TaskFile> group_files(const fs::path& folder, Split split) {
  std::vector<TaskFile> found;
  for (const std::string_view stem : stems(split)) {
    for (const fs::path& path : files_in(folder / stem)) {
      std::string group = stem_of(path);
      const std::string suffix = fmt::format("_{}", stem);
      if (group.ends_with(suffix)) group.resize(group.size() - suffix.size());
      found.push_back({path, group});
    }
    if (!found.empty()) return found;
  }
  return found;
}

// Whether the first row of a table of questions holds names: MMLU's authors publish it without them.
bool names_columns(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name.find(".csv") == std::string::npos && name.find(".tsv") == std::string::npos) return true;
  LineReader lines(path);
  std::string line;
  if (!lines.next(line)) return true;
  std::erase(line, '"');
  std::ranges::replace(line, '\t', ',');
  return ("," + line + ",").find(",question,") != std::string::npos;
}

// One a line.
std::vector<nlohmann::ordered_json> labels_beside(const fs::path& path) {
  const fs::path labels = task_labels(path);
  std::vector<nlohmann::ordered_json> all;
  if (labels.empty()) return all;
  const std::string text = read_text(labels);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) all.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

}  // namespace

std::string_view split_name(Split split) { return stems(split).front(); }

TaskRecord::TaskRecord(nlohmann::ordered_json json, std::string place, std::string group,
                       nlohmann::ordered_json label)
    : json_(std::move(json)), place_(std::move(place)), group_(std::move(group)), label_(std::move(label)) {}

bool TaskRecord::has(std::string_view key) const {
  const auto it = json_.find(key);
  return it != json_.end() && !it->is_null();
}

void TaskRecord::refuse(std::string_view key, std::string_view expected) const {
  fail(ErrorCode::kCorruptFile, "{}: '{}': {} was expected", place_, key, expected);
}

std::string TaskRecord::text(std::string_view key) const {
  const auto it = json_.find(key);
  if (it == json_.end() || !it->is_string()) refuse(key, "a text");
  return it->get<std::string>();
}

std::vector<std::string> TaskRecord::texts(std::string_view key) const {
  const auto it = json_.find(key);
  if (it == json_.end() || !it->is_array()) refuse(key, "a list of texts");
  std::vector<std::string> all;
  for (const auto& value : *it) {
    if (!value.is_string()) refuse(key, "a list of texts");
    all.push_back(value.get<std::string>());
  }
  return all;
}

std::int64_t TaskRecord::integer(std::string_view key) const {
  const auto it = json_.find(key);
  if (it != json_.end() && it->is_number_integer()) return it->get<std::int64_t>();
  if (it != json_.end() && it->is_string()) {
    const std::string text = it->get<std::string>();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) return value;
  }
  refuse(key, "a whole number");
}

std::vector<TaskFile> task_files(const fs::path& data, std::string_view folder, Split split, bool per_group) {
  const fs::path place = data / folder;
  std::error_code ignored;
  LQ_CHECK(fs::is_directory(place, ignored), kNotFound, "[tasks] {}: no such folder", place.string());
  if (per_group) {
    std::vector<TaskFile> found = group_files(place, split);
    LQ_CHECK(!found.empty(), kNotFound, "[tasks] {}: no .csv or .jsonl files",
             (place / stems(split).back()).string());
    return found;
  }
  const std::vector<fs::path> files = files_in(place);
  for (const bool longer : {false, true}) {
    for (const std::string_view stem : stems(split)) {
      std::vector<TaskFile> found;
      for (const fs::path& path : files) {
        const std::string name = stem_of(path);
        const bool fits =
            longer ? name.starts_with(std::string(stem) + "_") || name.starts_with(std::string(stem) + "-")
                   : name == stem;
        if (fits) found.push_back({path, ""});
      }
      if (!found.empty()) return found;
    }
  }
  fail(ErrorCode::kNotFound, "[tasks] {}: no {} split: looked for {}.jsonl (also .json, .csv, .tsv)",
       place.string(), split_name(split), fmt::join(stems(split), ".jsonl, "));
}

fs::path task_labels(const fs::path& file) {
  fs::path labels = file.parent_path() / (stem_of(file) + "-labels.lst");
  std::error_code ignored;
  return fs::exists(labels, ignored) ? labels : fs::path();
}

std::vector<TaskRecord> read_task_records(const TaskFile& file) {
  const std::vector<nlohmann::ordered_json> labels = labels_beside(file.path);
  RecordOptions options;
  if (!file.group.empty() && !names_columns(file.path))
    options.columns = {"question", "A", "B", "C", "D", "answer"};
  const auto reader = RecordReader::open(file.path, options);
  std::vector<TaskRecord> all;
  nlohmann::ordered_json record;
  while (reader->next(record)) {
    nlohmann::ordered_json label;
    if (!labels.empty()) {
      LQ_CHECK(all.size() < labels.size(), kCorruptFile, "{}: {} labels beside it, but more documents",
               reader->place(), labels.size());
      label = labels[all.size()];
    }
    all.emplace_back(std::move(record), reader->place(), file.group, std::move(label));
  }
  LQ_CHECK(labels.empty() || labels.size() == all.size(), kCorruptFile,
           "[tasks] {}: {} documents, but {} labels", file.path.string(), all.size(), labels.size());
  LQ_CHECK(!all.empty(), kCorruptFile, "[tasks] {}: it holds no documents", file.path.string());
  return all;
}

}  // namespace lq
