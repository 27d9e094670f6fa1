// Finds stop texts in a stream without letting part of one through. The stream may hold text that is looked
// at but not shown: that of special tokens.
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
  std::string push(std::string_view piece, bool shown = true);
  // What was held back, at the end of the stream.
  std::string finish();
  bool found() const { return found_; }

 private:
  std::string take(std::size_t size);  // from the front of held_, what is shown of it

  std::vector<std::string> texts_;
  std::string held_;
  std::string shown_;  // of each byte of held_: 1 where it is shown
  bool found_ = false;
};

}  // namespace lq
