// An error as the command line prints it.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/option_error.h"

namespace lq::cli {

// The message with dashes before the options that it names: "rank is 0, ..." of an OptionError of rank
// becomes "--rank is 0, ...", and `data` becomes --data where that is one of the `options`.
std::string error_text(const Error& error, const std::set<std::string>& options);

// A text about options, such as a help line: `data` becomes --data.
std::string option_text(std::string_view text);

}  // namespace lq::cli
