// How long work tells of itself. The library calls; the CLI draws.
#pragma once

#include <cstdint>
#include <string_view>

namespace lq {

class Progress {
 public:
  virtual ~Progress() = default;
  // A stage begins: `total` units of work (0: unknown), counted in `unit` ("weights", "tokens").
  virtual void begin(std::string_view stage, std::int64_t total, std::string_view unit) = 0;
  // `done` units of the stage are finished; `detail` says which thing is in hand.
  virtual void update(std::int64_t done, std::string_view detail) = 0;
  virtual void end() = 0;
  // One line for the log: a warning or a fact worth keeping.
  virtual void note(std::string_view line) = 0;
};

// Says nothing.
class NoProgress final : public Progress {
 public:
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {}
  void end() override {}
  void note(std::string_view) override {}
};

}  // namespace lq
