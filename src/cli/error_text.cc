#include "cli/error_text.h"

#include <functional>

namespace lq::cli {
namespace {

// Words in backticks for which `is_option` holds get dashes instead.
std::string with_dashes(std::string_view text, const std::function<bool(const std::string&)>& is_option) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find('`', at);
    const std::size_t close = open == std::string_view::npos ? open : text.find('`', open + 1);
    if (close == std::string_view::npos) return out.append(text.substr(at));
    const std::string word(text.substr(open + 1, close - open - 1));
    const bool option = is_option(word);
    out += text.substr(at, open - at);
    out += option ? "--" + word : std::string(text.substr(open, close - open));
    at = option ? close + 1 : close;
  }
  return out;
}

}  // namespace

std::string error_text(const Error& error, const std::set<std::string>& options) {
  const std::string text =
      with_dashes(error.what(), [&](const std::string& word) { return options.contains(word); });
  return dynamic_cast<const OptionError*>(&error) == nullptr ? text : "--" + text;
}

std::string option_text(std::string_view text) {
  return with_dashes(text, [](const std::string&) { return true; });
}

}  // namespace lq::cli
