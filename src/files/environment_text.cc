#include "files/environment_text.h"

#include <cstdlib>

#include "base/error.h"

namespace lq {

std::string with_environment(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find("${", at);
    if (open == std::string_view::npos) return out.append(text.substr(at));
    const std::size_t close = text.find('}', open);
    LQ_CHECK(close != std::string_view::npos, kInvalidArgument, "holds '${{' without '}}'");
    const std::string name(text.substr(open + 2, close - open - 2));
    const char* value = std::getenv(name.c_str());
    LQ_CHECK(value != nullptr, kInvalidArgument, "names the environment variable {}, which is not set", name);
    out.append(text.substr(at, open - at)).append(value);
    at = close + 1;
  }
  return out;
}

}  // namespace lq
