#include "train/train_log.h"

#include <fcntl.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "files/atomic_file.h"
#include "files/json_file.h"

namespace lq {
namespace {

constexpr std::uint64_t kLogLimit = std::uint64_t{4} << 30;

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The lines of whole records up to the state; a kill may have left half a line, and lines behind the
// checkpoint.
std::string kept_lines(const std::filesystem::path& path, const TrainState& state) {
  if (!std::filesystem::exists(path)) return {};
  std::istringstream lines(read_text(path, kLogLimit));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const auto record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) break;
    const auto step = record["step"].get<std::int64_t>();
    if (step > (record.contains("validation_loss") ? state.evaluated : state.step)) break;
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

TrainLog::TrainLog(const std::filesystem::path& directory, const TrainState& state)
    : log_path_(directory / "log.jsonl"), event_path_(directory / "events.out.tfevents.1.lqlora") {
  const std::string kept = kept_lines(log_path_, state);
  write_file_atomically(log_path_, kept);
  log_ = open_file(log_path_, O_WRONLY | O_APPEND, "write");
  // TensorBoard draws overlapping files on top of each other: the file is made again.
  events_ = std::make_unique<EventFile>(event_path_, now());
  std::istringstream lines(kept);
  for (std::string line; std::getline(lines, line);) {
    add_event(nlohmann::ordered_json::parse(line));
  }
}

TrainLog::~TrainLog() = default;

void TrainLog::add(nlohmann::ordered_json record) {
  record["wall_time"] = now();
  const std::string line = record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_all(log_, log_path_, line.data(), line.size());
  add_event(record);
}

void TrainLog::add_event(const nlohmann::ordered_json& record) {
  const auto step = record.at("step").get<std::int64_t>();
  const double wall_time = record.value("wall_time", 0.0);
  const std::string group = record.contains("validation_loss") ? "validation/" : "train/";
  for (const auto& [key, value] : record.items()) {
    if (!value.is_number() || key == "step" || key == "wall_time") continue;
    events_->scalar(wall_time, step, group + (key == "validation_loss" ? "loss" : key), value.get<double>());
  }
}

}  // namespace lq
