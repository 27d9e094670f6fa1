// Errors of options. Options have the same names everywhere, "batch-size", whoever asks: the command line, a
// recipe, a program. So a message names an option without dashes, in backticks where it is not the message's
// first word ("importance kfac needs `data` or `stats`"); the command line writes --data when it prints it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace lq {

// Error(kInvalidArgument) of an option that cannot be: its message is the option's key, a blank and what is
// wrong with it.
class OptionError : public Error {
 public:
  OptionError(std::string_view option, const std::string& problem)
      : Error(ErrorCode::kInvalidArgument, std::string(option) + " " + problem), option_(option) {}
  const std::string& option() const { return option_; }
  // The message without the option's key.
  std::string_view problem() const { return std::string_view(what()).substr(option_.size() + 1); }

 private:
  std::string option_;
};

// fail_option("rank", "is {}, but must be at least 1", rank).
template <typename... Args>
[[noreturn]] void fail_option(std::string_view option, fmt::format_string<Args...> format, Args&&... args) {
  throw OptionError(option, fmt::format(format, std::forward<Args>(args)...));
}

// The same unless `good`.
template <typename... Args>
void check_option(bool good, std::string_view option, fmt::format_string<Args...> format, Args&&... args) {
  if (!good) fail_option(option, format, std::forward<Args>(args)...);
}

}  // namespace lq
