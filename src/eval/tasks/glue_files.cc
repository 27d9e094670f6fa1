#include "eval/tasks/glue_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/printable.h"
#include "data/data_files.h"
#include "data/line_reader.h"
#include "data/record_reader.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string_view>& names_of(const GlueTask& task, Split split) {
  return split == Split::kTrain ? task.train : split == Split::kTest ? task.test : task.validation;
}

// "train_part.tsv.gz" -> "train_part"; empty for a file of another kind.
std::string glue_stem(const fs::path& path) {
  const FileKind kind = kind_of_name(path);
  if (kind != FileKind::kTsv && kind != FileKind::kJson) return {};
  const std::string name = path.filename().string();
  return name.substr(0, name.find('.'));
}

fs::path folder_of(const GlueTask& task, const fs::path& data) {
  std::error_code ignored;
  std::vector<std::string_view> names = {task.title, task.name};
  if (task.name == "ax") names.emplace_back("diagnostic");  // as the benchmark's script calls it
  if (!task.learnt_from.empty()) names.push_back(find_glue_task(task.learnt_from).title);
  for (const std::string_view name : names) {
    if (fs::is_directory(data / name, ignored)) return data / name;
  }
  return data;
}

// The number of a label's name, or of its digits.
std::optional<float> class_of(const GlueTask& task, std::string_view text) {
  for (std::size_t i = 0; i < task.labels.size(); ++i) {
    if (text == task.labels[i] || text == std::to_string(i)) return static_cast<float>(i);
  }
  return std::nullopt;
}

float label_of(const GlueTask& task, const std::string& text, const std::string& place,
               std::string_view column) {
  if (!task.regression()) {
    const auto label = class_of(task, text);
    LQ_CHECK(label, kCorruptFile, "{}: column '{}': '{}' is not a label of {} (known: {})", place, column,
             printable(text), task.name, fmt::join(task.labels, ", "));
    return *label;
  }
  float score = 0.0F;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), score);
  LQ_CHECK(error == std::errc() && end == text.data() + text.size() && score >= 0.0F && score <= 5.0F,
           kCorruptFile, "{}: column '{}': '{}' is not a score of {} (expected 0 to 5)", place, column,
           printable(text), task.name);
  return score;
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  for (std::size_t at = 0;;) {
    const std::size_t end = std::min(line.find('\t', at), line.size());
    fields.push_back(line.substr(at, end - at));
    if (end == line.size()) return fields;
    at = end + 1;
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c);
  return out;
}

// Where the parts of a record stand in a row.
struct GlueColumns {
  std::size_t first = 0;
  std::optional<std::size_t> second, label, index;
  std::size_t all = 0;  // columns of a whole row, at least
  bool named = false;   // by a header
};

GlueColumns header_columns(const GlueTask& task, const std::vector<std::string>& names,
                           const std::string& place) {
  const auto find = [&](std::string_view name) -> std::optional<std::size_t> {
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) return std::nullopt;
    LQ_CHECK(std::find(at + 1, names.end(), name) == names.end(), kCorruptFile,
             "{}: two columns are named '{}'", place, name);
    return static_cast<std::size_t>(at - names.begin());
  };
  // The hub's name of a column is taken in any case: the diagnostic set with labels has "Premise".
  const auto need = [&](std::string_view name, std::string_view on_the_hub) {
    auto at = find(name);
    for (std::size_t i = 0; !at && i < names.size(); ++i) {
      if (lower(names[i]) == on_the_hub) at = find(names[i]);
    }
    LQ_CHECK(at, kCorruptFile, "{}: {} needs a column '{}' (the header has: {})", place, task.name, name,
             printable(fmt::format("{}", fmt::join(names, ", "))));
    return *at;
  };
  GlueColumns columns;
  // CoLA's test file has a header and a column by this name.
  columns.first = need(task.header ? task.first : task.json_first, task.json_first);
  if (task.pairs()) columns.second = need(task.second, task.json_second);
  columns.label = find(task.header ? task.label : "label");
  if (!columns.label) columns.label = find("label");
  columns.index = find("index");
  columns.all = names.size();
  columns.named = true;
  return columns;
}

GlueColumns numbered_columns(const GlueTask& task) {
  const auto number = [](std::string_view text) { return static_cast<std::size_t>(text.front() - '0'); };
  return {number(task.first), std::nullopt, number(task.label), std::nullopt, number(task.first) + 1};
}

void read_rows(const GlueTask& task, const fs::path& file, std::int64_t limit, GlueTexts& out) {
  LineReader lines(file);
  std::string line;
  std::optional<GlueColumns> columns;
  while (lines.next(line)) {
    if (limit > 0 && std::ssize(out.texts) >= limit) return;
    if (line.empty()) continue;
    const std::vector<std::string> fields = fields_of(line);
    if (!columns) {
      // CoLA's files with labels begin with a row; its test file with "index" and "sentence".
      const bool header = task.header || fields.front() == "index";
      columns = header ? header_columns(task, fields, lines.place()) : numbered_columns(task);
      if (header) continue;
    }
    if (fields.size() < columns->all) {
      if (out.short_rows++ == 0) out.first_short = lines.place();
      continue;
    }
    if (columns->named && fields.size() > columns->all && out.long_rows++ == 0)
      out.first_long = lines.place();
    if (!utf8::is_valid(line) && out.malformed_rows++ == 0) out.first_malformed = lines.place();
    LabelledText& text = out.texts.emplace_back();
    text.place = lines.place();
    text.first = utf8::repair(fields[columns->first]);
    if (columns->second) text.second = utf8::repair(fields[*columns->second]);
    text.index = columns->index ? fields[*columns->index] : std::to_string(out.texts.size() - 1);
    if (columns->label) {
      text.label = label_of(task, fields[*columns->label], text.place, task.label);
    }
  }
}

// A record's label as text: its number or name; nothing for none and for -1, the hub's mark of a test set.
// It is called as on the hub, or as in the official files.
std::optional<std::string> json_label(const GlueTask& task, const nlohmann::ordered_json& record,
                                      const std::string& place) {
  auto at = record.find("label");
  if (at == record.end()) at = record.find(std::string(task.label));
  if (at == record.end() || at->is_null()) return std::nullopt;
  if (at->is_string()) return at->get<std::string>();
  LQ_CHECK(at->is_number(), kCorruptFile, "{}: 'label': a number or a label's name was expected", place);
  if (at->get<double>() == -1.0) return std::nullopt;
  const double value = at->get<double>();
  return value == std::floor(value) ? std::to_string(static_cast<std::int64_t>(value))
                                    : fmt::format("{}", value);
}

// What a record calls itself, as on the hub or as in the official files; else its number.
std::string json_index(const nlohmann::ordered_json& record, std::size_t number) {
  for (const char* const key : {"idx", "index"}) {
    const auto at = record.find(key);
    if (at != record.end() && at->is_number_integer()) return std::to_string(at->get<std::int64_t>());
  }
  return std::to_string(number);
}

void read_json_records(const GlueTask& task, const fs::path& file, std::int64_t limit, GlueTexts& out) {
  const auto reader = RecordReader::open(file, {});
  nlohmann::ordered_json record;
  while (!(limit > 0 && std::ssize(out.texts) >= limit) && reader->next(record)) {
    const std::string place = reader->place();
    const auto text_at = [&](std::string_view key, std::string_view other) {
      for (const std::string_view name : {key, other}) {
        const auto at = record.find(std::string(name));
        if (at != record.end() && at->is_string()) return at->get<std::string>();
      }
      fail(ErrorCode::kCorruptFile, "{}: '{}': a text was expected for {}", place, key, task.name);
    };
    LabelledText& text = out.texts.emplace_back();
    text.place = place;
    text.first = text_at(task.json_first, task.first);
    if (task.pairs()) text.second = text_at(task.json_second, task.second);
    text.index = json_index(record, out.texts.size() - 1);
    if (const auto label = json_label(task, record, place))
      text.label = label_of(task, *label, place, "label");
  }
}

}  // namespace

std::optional<fs::path> find_glue_file(const GlueTask& task, const fs::path& data, Split split) {
  const fs::path folder = folder_of(task, data);
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_regular_file(ignored)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  // Of two files of one name neither is taken in silence.
  const auto only_one = [&](const fs::path& file) {
    for (const fs::path& other : files) {
      LQ_CHECK(other == file || glue_stem(other) != glue_stem(file), kInvalidArgument,
               "{}: {} and {} both stand for {} of {}: keep one of them", folder.string(),
               file.filename().string(), other.filename().string(), split_name(split), task.name);
    }
    return file;
  };
  for (const bool exact : {true, false}) {
    for (const std::string_view name : names_of(task, split)) {
      for (const fs::path& file : files) {
        const std::string stem = glue_stem(file);
        const bool longer = stem.starts_with(name) && stem.size() > name.size() &&
                            (stem[name.size()] == '_' || stem[name.size()] == '-');
        // What the other half of MNLI is called is not this half.
        if (exact ? stem == name : longer && stem.find("matched") == std::string::npos) {
          return only_one(file);
        }
      }
    }
  }
  return std::nullopt;
}

GlueTexts read_glue_file(const GlueTask& task, const fs::path& file, std::int64_t limit) {
  GlueTexts out;
  out.file = file;
  if (kind_of_name(file) == FileKind::kJson) {
    read_json_records(task, file, limit, out);
  } else {
    read_rows(task, file, limit, out);
  }
  LQ_CHECK(!out.texts.empty(), kInvalidArgument, "{}: there is no example of {} in it{}", file.string(),
           task.name,
           out.short_rows > 0 ? fmt::format(" ({} rows have too few columns)", out.short_rows) : "");
  return out;
}

GlueTexts read_glue_split(const GlueTask& task, const fs::path& data, Split split, std::int64_t limit) {
  std::error_code ignored;
  LQ_CHECK(fs::exists(data, ignored), kNotFound, "{}: no such file or folder", data.string());
  if (!fs::is_directory(data, ignored)) return read_glue_file(task, data, limit);
  const auto file = find_glue_file(task, data, split);
  LQ_CHECK(file, kNotFound, "{}: there is no {} file of {} (expected {}.tsv or .jsonl)",
           folder_of(task, data).string(), split_name(split), task.name,
           fmt::join(names_of(task, split), ", "));
  return read_glue_file(task, *file, limit);
}

void check_glue_labels(const GlueTask& task, const GlueTexts& texts) {
  const std::optional<float>& first = texts.texts.front().label;
  bool same = true;
  for (const LabelledText& text : texts.texts) {
    LQ_CHECK(text.label, kInvalidArgument,
             "{}: an example without a label (column '{}'), from which {} cannot be learnt", text.place,
             task.label, task.name);
    same = same && text.label == first;
  }
  LQ_CHECK(!same, kInvalidArgument, "{}: all {} examples have the label {}: {} cannot be learnt from them",
           texts.file.string(), texts.texts.size(),
           task.regression() ? fmt::format("{}", *first)
                             : std::string(task.labels[static_cast<std::size_t>(*first)]),
           task.name);
}

}  // namespace lq
