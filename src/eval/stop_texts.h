// Finds stop texts in a stream without letting part of one through.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lq {

class StopTexts {
 public:
  explicit StopTexts(std::vector<std::string> texts);

  // Adds a piece; returns what is safe to show now. After a stop text is found, found() and nothing more
  // comes.
  std::string push(std::string_view piece);
  // What was held back, at the end of the stream.
  std::string finish();
  bool found() const { return found_; }

 private:
  std::vector<std::string> texts_;
  std::string held_;
  bool found_ = false;
};

}  // namespace lq
