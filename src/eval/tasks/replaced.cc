#include "eval/tasks/tasks.h"

namespace lq::tasks {

std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t next; (next = text.find(from, at)) != std::string::npos; at = next + from.size()) {
    out.append(text, at, next - at);
    out += to;
  }
  out.append(text, at);
  return out;
}

}  // namespace lq::tasks
