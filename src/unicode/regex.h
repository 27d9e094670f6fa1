// Regular expressions of tokenizer files, run by PCRE2 with its JIT. The patterns were written for Oniguruma
// or for Rust's fancy-regex: \s, \w and their complements are rewritten to the Unicode properties that these
// engines mean (PCRE2's \s, for one, counts U+180E as a space and they do not).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lq {

class Regex {
 public:
  // who: named in the error, as "tokenizer.json: pre_tokenizer". Throws kUnsupported where PCRE2 refuses.
  Regex(std::string_view pattern, const std::string& who);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // The first match at or after `from`: [begin, end). REQUIRES: text is valid UTF-8. Thread-safe. Throws
  // kUnsupported where a match needs more steps than PCRE2 allows.
  std::optional<std::pair<std::size_t, std::size_t>> find(std::string_view text, std::size_t from) const;

  // The same match, and what each of its groups holds: [0] the match, [i] group i, npos where it took no
  // part.
  using Groups = std::vector<std::pair<std::size_t, std::size_t>>;
  std::optional<Groups> find_groups(std::string_view text, std::size_t from) const;

  // Calls visit(begin, end) for every match, left to right, not overlapping; an empty match right after
  // another match is left out.
  template <typename Visit>
  void for_each(std::string_view text, const Visit& visit) const {
    std::size_t from = 0;
    std::size_t last_end = std::string_view::npos;
    while (from <= text.size()) {
      const auto match = find(text, from);
      if (!match) return;
      const auto [begin, end] = *match;
      if (end > begin || begin != last_end) visit(begin, end);
      last_end = end;
      from = end > begin ? end : next_character(text, end);
    }
  }

  // The pattern as PCRE2 gets it (for tests).
  static std::string translate(std::string_view pattern);

 private:
  std::pair<const std::size_t*, std::size_t> match(std::string_view text, std::size_t from) const;
  static std::size_t next_character(std::string_view text, std::size_t at);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lq
