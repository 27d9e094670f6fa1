// Regular expressions over module names, as PEFT's configs use them (Python's syntax, read by PCRE2).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lqlora/error.h"

namespace lq {

// Matches the whole of a name. Work is bounded: a pattern that backtracks too much throws
// Error(kUnsupported).
class ModulePattern {
 public:
  // Throws Error(code) starting with `who` for a pattern that does not compile: of a file, or of an option.
  ModulePattern(std::string_view pattern, std::string_view who,
                lqlora::ErrorCode code = lqlora::ErrorCode::kCorruptFile);
  ~ModulePattern();
  ModulePattern(ModulePattern&&) noexcept;
  ModulePattern& operator=(ModulePattern&&) noexcept;
  // Thread-safe.
  bool matches(std::string_view name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lq
