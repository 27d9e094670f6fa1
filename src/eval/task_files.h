// Where a benchmark's documents lie: the files as they are published, in a folder of the user's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

enum class Split { kTrain, kValidation, kTest };
std::string_view split_name(Split split);  // "train", "validation", "test"

// One record of a data file, with typed getters that name its place.
class TaskRecord {
 public:
  TaskRecord(nlohmann::ordered_json json, std::string place, std::string group, nlohmann::ordered_json label);

  const std::string& place() const { return place_; }
  const std::string& group() const { return group_; }
  const nlohmann::ordered_json& json() const { return json_; }
  bool has(std::string_view key) const;
  // Each throws Error(kCorruptFile) with place and key where it is missing or something else.
  std::string text(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  // A number, or a string that holds one.
  std::int64_t integer(std::string_view key) const;
  // The record of a file of labels beside the documents (PIQA): null where there is none.
  const nlohmann::ordered_json& label() const { return label_; }
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) const;

 private:
  nlohmann::ordered_json json_;
  std::string place_;
  std::string group_;
  nlohmann::ordered_json label_;
};

// A file of a split, and the group that its name says ("anatomy_test.csv": "anatomy").
struct TaskFile {
  std::filesystem::path path;
  std::string group;
};

// The files of a split below DATA/FOLDER: "validation.jsonl" (also valid, dev, val; .json, .csv, .tsv, and
// compressed), or one whose name goes on behind that ("train_first500.jsonl", "test-00000.jsonl"), or with
// `per_group` all files of the folder "test" or "dev" ("anatomy_test.csv"), sorted. Throws Error(kNotFound)
// naming what was looked for.
std::vector<TaskFile> task_files(const std::filesystem::path& data, std::string_view folder, Split split,
                                 bool per_group);
// The labels of documents whose file has none: "valid-labels.lst" beside "valid.jsonl". Empty where there are
// none.
std::filesystem::path task_labels(const std::filesystem::path& file);
// All records, in their order. A table of a group that has no row of names has the columns question, A, B, C,
// D, answer. A TruthfulQA-like object of records or a list of them is read as well.
std::vector<TaskRecord> read_task_records(const TaskFile& file);

}  // namespace lq
