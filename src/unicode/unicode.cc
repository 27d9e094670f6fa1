#include "unicode/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "unicode/utf8.h"

namespace lq::unicode {
namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }
bool between(char32_t c, utf8proc_category_t low, utf8proc_category_t high) {
  const auto k = category(c);
  return k >= low && k <= high;
}

// No character below U+0300 changes under NFC.
bool all_below_0300(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto b = static_cast<unsigned char>(c);
    return b < 0xCC;
  });
}

void append_normalized(std::string& out, std::string_view text, bool compose, bool compatible) {
  int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
  if (compatible) options |= UTF8PROC_COMPAT;
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 0;
    const char32_t c = utf8::decode_valid(text.data() + at, size);
    at += size;
    utf8proc_int32_t parts[32];
    const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 32,
                                           static_cast<utf8proc_option_t>(options), nullptr);
    if (n < 0 || n > 32) {
      codes.push_back(static_cast<utf8proc_int32_t>(c));
    } else {
      codes.insert(codes.end(), parts, parts + n);
    }
  }
  // Canonical order of marks. Not left to utf8proc_decompose: its insertion sort is quadratic in their
  // number.
  const auto rank = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
  for (auto it = codes.begin(); it != codes.end();) {
    if (rank(*it) == 0) {
      ++it;
      continue;
    }
    const auto last = std::find_if(it, codes.end(), [&](auto c) { return rank(c) == 0; });
    std::stable_sort(it, last, [&](auto a, auto b) { return rank(a) < rank(b); });
    it = last;
  }
  if (compose) {
    options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    const auto n = utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                                            static_cast<utf8proc_option_t>(options));
    codes.resize(static_cast<std::size_t>(n));
  }
  for (const auto c : codes) utf8::append(out, static_cast<char32_t>(c));
}

}  // namespace

std::string normalize(std::string_view text, Form form) {
  const bool compose = form == Form::kNfc || form == Form::kNfkc;
  const bool compatible = form == Form::kNfkc || form == Form::kNfkd;
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    // ASCII stands for itself; only its last character may join with what follows.
    std::size_t end = at;
    while (end < text.size() && !(text[end] & 0x80)) ++end;
    if (end == text.size()) {
      out.append(text, at);
      break;
    }
    if (end > at) {
      out.append(text, at, end - at - 1);
      at = end - 1;
    }
    while (end < text.size() && (text[end] & 0x80)) ++end;
    const std::string_view part = text.substr(at, end - at);
    if (form == Form::kNfc && all_below_0300(part)) {
      out.append(part);
    } else {
      append_normalized(out, part, compose, compatible);
    }
    at = end;
  }
  return out;
}

bool is_white_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_letter(char32_t c) {
  const auto k = category(c);
  if (k == UTF8PROC_CATEGORY_CN) return is_new_letter(c);
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}
bool is_number(char32_t c) {
  const auto k = category(c);
  if (k == UTF8PROC_CATEGORY_CN) return is_new_number(c);
  return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}
bool is_decimal(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_mark(char32_t c) { return between(c, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }
bool is_nonspacing_mark(char32_t c) { return category(c) == UTF8PROC_CATEGORY_MN; }
bool is_punctuation(char32_t c) { return between(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO); }
bool is_printable(char32_t c) {
  if (c == ' ') return true;
  const auto k = category(c);
  return k != UTF8PROC_CATEGORY_CN && !between(c, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_CO);
}
bool is_other(char32_t c) { return between(c, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO); }

bool is_word(char32_t c) {
  if (c < 0x80) return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_';
  const auto k = category(c);
  if ((k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_ME) || k == UTF8PROC_CATEGORY_ND ||
      k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_PC || c == 0x200C || c == 0x200D) {
    return true;
  }
  if (k == UTF8PROC_CATEGORY_CN) return is_new_word(c);
  return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
         (c >= 0x1F170 && c <= 0x1F189);  // circled and squared letters: symbols, but alphabetic
}

void append_lower(std::string& out, char32_t c) {
  if (c == 0x130) {
    out += "i\u0307";
  } else {
    utf8::append(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

std::size_t grapheme_end(std::string_view text, std::size_t at) {
  std::size_t size = 0;
  char32_t before = utf8::decode_valid(text.data() + at, size);
  at += size;
  utf8proc_int32_t state = 0;
  while (at < text.size()) {
    const char32_t next = utf8::decode_valid(text.data() + at, size);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before),
                                         static_cast<utf8proc_int32_t>(next), &state)) {
      break;
    }
    before = next;
    at += size;
  }
  return at;
}

}  // namespace lq::unicode
