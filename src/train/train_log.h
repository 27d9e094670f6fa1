// The log of a run: a JSON object a line, and the same numbers as a TensorBoard event file. Both grow while
// the run goes on; a resumed run first drops what lies behind its checkpoint.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "files/file_descriptor.h"
#include "train/event_file.h"
#include "train/train_state.h"

namespace lq {

class TrainLog {
 public:
  // DIRECTORY/log.jsonl and DIRECTORY/events.out.tfevents.*. Keeps the lines up to `state`. Throws
  // Error(kIo).
  TrainLog(const std::filesystem::path& directory, const TrainState& state);
  ~TrainLog();

  // {"step": 12, "loss": ..., "lr": ..., ...}: numbers become scalars of TensorBoard under "train/"; those of
  // a record with "validation_loss" under "validation/". "wall_time" is added.
  void add(nlohmann::ordered_json record);
  const std::filesystem::path& log_file() const { return log_path_; }
  const std::filesystem::path& event_file() const { return event_path_; }

 private:
  void add_event(const nlohmann::ordered_json& record);
  std::filesystem::path log_path_, event_path_;
  FileDescriptor log_;
  std::unique_ptr<EventFile> events_;
};

}  // namespace lq
