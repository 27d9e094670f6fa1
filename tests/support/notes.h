// A Progress that keeps what is said.
#pragma once

#include <string>
#include <string_view>

#include "base/progress.h"

namespace lq::test {

class Notes final : public Progress {
 public:
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {}
  void end() override {}
  void note(std::string_view line) override { text += std::string(line) + "\n"; }
  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }

  std::string text;  // one line for each note
};

}  // namespace lq::test
