#include "files/publish.h"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "files/file_descriptor.h"
#include "files/json_file.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

fs::path record_of(const fs::path& work) { return work / "publish.json"; }

// The order of publication: what makes a directory look finished comes last.
int rank_of(const std::string& file) { return file == "config.json" ? 2 : file == "lqlora.json" ? 1 : 0; }

std::vector<std::string> names_in(const nlohmann::json& record, const char* key, const fs::path& path) {
  LQ_CHECK(record.is_object() && record.contains(key) && record[key].is_array(), kCorruptFile,
           "[output] {}: no list '{}'", path.string(), key);
  std::vector<std::string> names;
  for (const auto& item : record[key]) {
    LQ_CHECK(item.is_string() && is_inner_path(item.get<std::string>()), kCorruptFile,
             "[output] {}: {} is not the name of a file in the folder", path.string(),
             printable(item.dump()));
    names.push_back(item.get<std::string>());
  }
  return names;
}

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  LQ_CHECK(!error, kIo, "[io] {}: cannot remove: {}", path.string(), error.message());
}

}  // namespace

bool is_inner_path(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos || fs::path(path).is_absolute()) return false;
  for (const auto& part : fs::path(path)) {
    if (part == ".." || part == "." || part.empty() || part == ".work") return false;
  }
  return true;
}

std::vector<std::string> files_to_publish(const fs::path& staging) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(staging)) {
    if (entry.is_directory()) continue;
    const std::string name = entry.path().filename().string();
    LQ_CHECK(!(name.starts_with('.') && name.ends_with(".partial")), kInvalidArgument,
             "[output] {}: still being written", entry.path().string());
    files.push_back(entry.path().lexically_relative(staging).string());
  }
  std::sort(files.begin(), files.end(), [](const std::string& x, const std::string& y) {
    return rank_of(x) != rank_of(y) ? rank_of(x) < rank_of(y) : x < y;
  });
  return files;
}

void sync_tree(const fs::path& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_directory()) {
      sync_directory(entry.path());
    } else {
      sync_file(open_file(entry.path(), O_RDONLY, "sync"), entry.path());
    }
  }
  sync_directory(directory);
}

void record_publish(const fs::path& work, const std::vector<std::string>& files,
                    const std::vector<std::string>& obsolete) {
  write_json(record_of(work), nlohmann::json{{"files", files}, {"obsolete", obsolete}});
}

bool publish_recorded(const fs::path& work) { return fs::exists(record_of(work)); }

void roll_forward(const fs::path& out, const fs::path& work) {
  const fs::path staging = work / "final";
  const nlohmann::json record = read_json(record_of(work));
  const auto files = names_in(record, "files", record_of(work));
  const auto obsolete = names_in(record, "obsolete", record_of(work));

  // First what makes the old content look finished, so that old and new never look like one model.
  for (auto it = files.rbegin(); it != files.rend() && rank_of(*it) > 0; ++it) {
    if (fs::exists(staging / *it)) remove_file(out / *it);
  }
  for (const std::string& file : obsolete) {
    remove_file(out / file);
    std::error_code ignored;  // a folder goes when it is empty
    if (fs::path(file).has_parent_path()) fs::remove((out / file).parent_path(), ignored);
  }
  sync_directory(out);

  for (const std::string& file : files) {
    if (rank_of(file) > 0) sync_directory(out);  // everything before is there for good
    if (!fs::exists(staging / file)) {
      LQ_CHECK(fs::exists(out / file), kIo, "[output] {}: lost while it was being published",
               (out / file).string());
      continue;
    }
    const fs::path parent = (out / file).parent_path();
    std::error_code error;
    fs::create_directories(parent, error);
    LQ_CHECK(!error, kIo, "[io] {}: cannot create the directory: {}", parent.string(), error.message());
    rename_file(staging / file, out / file);
    if (parent != out) sync_directory(parent);
  }
  sync_directory(out);

  std::error_code error;
  fs::remove_all(work, error);
  LQ_CHECK(!error, kIo, "[io] {}: cannot remove: {}", work.string(), error.message());
}

}  // namespace lq
