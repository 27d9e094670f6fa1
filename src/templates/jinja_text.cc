#include "templates/jinja_text.h"

#include <algorithm>

#include "templates/python_characters.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

std::size_t byte_of(std::string_view text, std::int64_t character) {
  std::size_t at = 0;
  for (; character > 0 && at < text.size(); --character) at += utf8::size_of(text[at]);
  return at;
}

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

std::string_view trimmed(std::string_view text, bool left, bool right,
                         const std::optional<std::string>& characters) {
  const auto drops = [&](std::size_t at, std::size_t& size) {
    const char32_t c = utf8::decode_valid(text.data() + at, size);
    if (!characters) return is_python_space(c);
    return characters->find(text.substr(at, size)) != std::string::npos;
  };
  std::size_t begin = 0, end = text.size(), size = 0;
  while (left && begin < end && drops(begin, size)) begin += size;
  while (right && end > begin) {
    const std::size_t before = utf8::previous(text, end);
    if (!drops(before, size)) break;
    end = before;
  }
  return text.substr(begin, end - begin);
}

}  // namespace

std::int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

std::string character_range(std::string_view text, std::int64_t begin, std::int64_t end) {
  const std::size_t from = byte_of(text, begin);
  return std::string(text.substr(from, byte_of(text.substr(from), end - begin)));
}

bool is_python_space(char32_t c) { return unicode::is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

bool is_digit(char32_t c) { return unicode::is_decimal(c); }

bool is_word_character(char32_t c) { return c == '_' || unicode::is_letter(c) || unicode::is_number(c); }

bool is_all_case(std::string_view text, bool upper) {
  bool some = false;
  for (std::size_t at = 0, size = 0; at < text.size(); at += size) {
    const char32_t c = utf8::decode_valid(text.data() + at, size);
    const bool wanted = upper ? is_python_upper(c) : is_python_lower(c);
    if (is_python_cased(c) && !wanted) return false;
    some |= wanted;
  }
  return some;
}

std::string strip(std::string_view text, bool left, bool right,
                  const std::optional<std::string>& characters) {
  return std::string(trimmed(text, left, right, characters));
}

std::vector<std::string> split_text(std::string_view text, std::string_view separator, std::int64_t most) {
  std::vector<std::string> out;
  std::size_t done = 0;
  for (std::size_t at = text.find(separator); at != std::string_view::npos && most != 0;
       at = text.find(separator, done), --most) {
    out.emplace_back(text.substr(done, at - done));
    done = at + separator.size();
  }
  out.emplace_back(text.substr(done));
  return out;
}

std::vector<std::string> split_text_from_right(std::string_view text, std::string_view separator,
                                               std::int64_t most) {
  std::vector<std::string> out;
  std::size_t end = text.size();
  for (; most != 0 && end >= separator.size(); --most) {
    const std::size_t at = text.rfind(separator, end - separator.size());
    if (at == std::string_view::npos) break;
    out.emplace_back(text.substr(at + separator.size(), end - at - separator.size()));
    end = at;
  }
  out.emplace_back(text.substr(0, end));
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<std::string> split_words(std::string_view text, std::int64_t most) {
  std::vector<std::string> out;
  for (text = trimmed(text, true, false, {}); !text.empty(); text = trimmed(text, true, false, {})) {
    std::size_t end = 0, size = 0;
    while (end < text.size() && !is_python_space(utf8::decode_valid(text.data() + end, size))) end += size;
    if (most-- == 0) end = text.size();
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::vector<std::string> split_words_from_right(std::string_view text, std::int64_t most) {
  std::vector<std::string> out;
  for (text = trimmed(text, false, true, {}); !text.empty(); text = trimmed(text, false, true, {})) {
    std::size_t begin = text.size(), size = 0;
    while (begin > 0) {
      const std::size_t before = utf8::previous(text, begin);
      if (is_python_space(utf8::decode_valid(text.data() + before, size))) break;
      begin = before;
    }
    if (most-- == 0) begin = 0;
    out.emplace_back(text.substr(begin));
    text.remove_suffix(text.size() - begin);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<std::string> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string> out;
  std::size_t begin = 0, size = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = utf8::decode_valid(text.data() + at, size);
    std::size_t end = at + size;
    if (is_line_end(c)) {
      if (c == '\r' && text.substr(end).starts_with('\n')) ++end;
      out.emplace_back(text.substr(begin, (keep_ends ? end : at) - begin));
      begin = end;
    }
    at = end;
  }
  if (begin < text.size()) out.emplace_back(text.substr(begin));
  return out;
}

std::string replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t most) {
  std::string out;
  std::size_t done = 0;
  if (from.empty()) {
    for (; most != 0; --most) {
      out.append(to);
      if (done == text.size()) return out;
      const std::size_t size = utf8::size_of(text[done]);
      out.append(text.substr(done, size));
      done += size;
    }
  }
  for (std::size_t at = from.empty() ? std::string_view::npos : text.find(from);
       at != std::string_view::npos && most != 0; at = text.find(from, done), --most) {
    out.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return out.append(text.substr(done));
}

std::string adjusted(std::string_view text, std::int64_t width, std::string_view fill, Adjust adjust) {
  const std::int64_t gap = width - count_characters(text);
  if (gap <= 0) return std::string(text);
  // str.center puts the odd one on the left where the width is odd.
  const std::int64_t left = adjust == Adjust::kLeft    ? 0
                            : adjust == Adjust::kRight ? gap
                                                       : gap / 2 + (gap & width & 1);
  std::string out;
  for (std::int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (std::int64_t i = left; i < gap; ++i) out += fill;
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

}  // namespace lq::jinja
