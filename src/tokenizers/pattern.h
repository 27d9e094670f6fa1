// The `pattern` of tokenizer.json: {"String": "..."} or {"Regex": "..."}, with what can be done by it.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "unicode/regex.h"

namespace lq::tokenizers {

class Pattern {
 public:
  // Throws kCorruptFile, kUnsupported; who names the file and the place. A bare string is taken literally.
  Pattern(const nlohmann::json& spec, const std::string& who);

  // Calls visit(begin, end) for every match, left to right. REQUIRES: text is valid UTF-8.
  template <typename Visit>
  void for_each(std::string_view text, const Visit& visit) const {
    if (regex_ != nullptr) return regex_->for_each(text, visit);
    if (literal_.empty()) return;
    for (std::size_t at = text.find(literal_); at != std::string_view::npos; at = text.find(literal_, at)) {
      visit(at, at + literal_.size());
      at += literal_.size();
    }
  }
  std::string replace(std::string_view text, std::string_view with) const;

  // The regular expression as the file has it; empty for a literal.
  const std::string& regex_source() const { return source_; }

 private:
  std::string literal_;
  std::string source_;
  std::shared_ptr<const Regex> regex_;
};

}  // namespace lq::tokenizers
