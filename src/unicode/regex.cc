#include "unicode/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

constexpr std::size_t kMaxPattern = 1 << 16;

}  // namespace

struct Regex::Impl {
  std::string who;
  std::string pattern;
  pcre2_code* code = nullptr;
  ~Impl() { pcre2_code_free(code); }
};

Regex::Regex(std::string_view pattern, const std::string& who) : impl_(std::make_unique<Impl>()) {
  LQ_CHECK(pattern.size() <= kMaxPattern, kUnsupported, "{}: a regular expression of {} bytes (at most {})",
           who, pattern.size(), kMaxPattern);
  impl_->who = who;
  impl_->pattern = translate(pattern);
  int number = 0;
  PCRE2_SIZE offset = 0;
  impl_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(impl_->pattern.data()), impl_->pattern.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &number, &offset, nullptr);
  if (impl_->code == nullptr) {
    PCRE2_UCHAR message[200] = {};
    pcre2_get_error_message(number, message, sizeof message);
    fail(ErrorCode::kUnsupported, "{}: regular expression '{}': {} (at byte {})", who, impl_->pattern,
         reinterpret_cast<const char*>(message), offset);
  }
  pcre2_jit_compile(impl_->code,
                    PCRE2_JIT_COMPLETE);  // where it cannot, matching is interpreted: same results
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

// Where the last match of this thread's block lies; the number of its groups and one, 0: no match.
std::pair<const std::size_t*, std::size_t> Regex::match(std::string_view text, std::size_t from) const {
  // One per thread: a match block is scratch, not state.
  thread_local const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> block(
      pcre2_match_data_create(64, nullptr), pcre2_match_data_free);
  const int rc = pcre2_match(impl_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                             PCRE2_NO_UTF_CHECK, block.get(), nullptr);
  if (rc == PCRE2_ERROR_NOMATCH) return {nullptr, 0};
  LQ_CHECK(rc >= 0, kUnsupported,
           "{}: regular expression '{}' gave up on a text of {} bytes (PCRE2 error {})", impl_->who,
           impl_->pattern, text.size(), rc);
  const PCRE2_SIZE* span = pcre2_get_ovector_pointer(block.get());
  // \K inside a lookahead may put the start past the end: such a pattern has no sensible split.
  LQ_CHECK(span[0] <= span[1], kUnsupported, "{}: regular expression '{}' matches backwards", impl_->who,
           impl_->pattern);
  return {span, static_cast<std::size_t>(rc)};
}

std::optional<std::pair<std::size_t, std::size_t>> Regex::find(std::string_view text,
                                                               std::size_t from) const {
  const auto [span, groups] = match(text, from);
  if (groups == 0) return std::nullopt;
  return std::pair<std::size_t, std::size_t>(span[0], span[1]);
}

std::optional<Regex::Groups> Regex::find_groups(std::string_view text, std::size_t from) const {
  const auto [span, groups] = match(text, from);
  if (groups == 0) return std::nullopt;
  Groups all;
  for (std::size_t i = 0; i < groups; ++i) all.emplace_back(span[2 * i], span[2 * i + 1]);
  return all;
}

std::size_t Regex::next_character(std::string_view text, std::size_t at) {
  return at < text.size() ? at + utf8::size_of(text[at]) : at + 1;
}

std::string Regex::translate(std::string_view pattern) {
  // Oniguruma counts the superscripts and fractions of Latin-1 as word characters (and no other numbers of
  // their kind).
  static constexpr std::string_view kWord =
      "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}";
  std::string out;
  int depth = 0;  // of [...]
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char escaped = pattern[++i];
      if (escaped == 's') {
        out += "\\p{White_Space}";
      } else if (escaped == 'S') {
        out += "\\P{White_Space}";
      } else if (escaped == 'w') {
        depth > 0 ? out.append(kWord) : out.append("[").append(kWord).append("]");
      } else if (escaped == 'W' && depth == 0) {
        out.append("[^").append(kWord).append("]");
      } else if (escaped == 'h' && depth > 0) {
        out += "0-9a-fA-F";  // Oniguruma: a hexadecimal digit
      } else if (escaped == 'h') {
        out += "[0-9a-fA-F]";
      } else {
        out += '\\';
        out += escaped;
      }
      continue;
    }
    if (c == '[' && depth > 0 && i + 1 < pattern.size() && pattern[i + 1] != ':') {
      out += "\\[";  // a nested set is not something these files use; PCRE2 reads a plain bracket
      continue;
    }
    if (c == '[') {
      ++depth;
      out += c;
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += pattern[++i];
      continue;
    }
    if (c == ']' && depth > 0) --depth;
    out += c;
  }
  return out;
}

}  // namespace lq
