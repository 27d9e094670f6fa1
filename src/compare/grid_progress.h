// One display for a grid of jobs: stages carry the name of the cell in hand, and what was noted once is not
// noted again.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "base/progress.h"

namespace lq {

// Thread-safe, but for cell().
class GridProgress final : public Progress {
 public:
  // `shown` outlives it.
  explicit GridProgress(Progress& shown) : shown_(shown) {}

  // From here on stages belong to this cell: "7/36 ours, 2.5 bits, seed 1".
  void cell(std::string name) { cell_ = std::move(name); }

  void begin(std::string_view stage, std::int64_t total, std::string_view unit) override {
    shown_.begin(cell_ + ": " + std::string(stage), total, unit);
  }
  void update(std::int64_t done, std::string_view detail) override { shown_.update(done, detail); }
  void end() override { shown_.end(); }
  void note(std::string_view line) override {
    const std::lock_guard lock(mutex_);
    if (noted_.emplace(line).second) shown_.note(cell_ + ": " + std::string(line));
  }

 private:
  Progress& shown_;
  std::string cell_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> noted_;
};

}  // namespace lq
