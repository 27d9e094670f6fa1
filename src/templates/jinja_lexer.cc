#include "templates/jinja_lexer.h"

#include <algorithm>

#include "base/error.h"
#include "templates/jinja_text.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_letter(char c) { return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_'; }
bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  Lexer(std::string_view source, const std::string& who) : source_(source), who_(who) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const std::size_t open = find_open(at_);
      text_until(open);
      if (open == source_.size()) break;
      at_ = open;
      if (!raw()) tag();
    }
    emit(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  std::size_t find_open(std::size_t from) const {
    for (std::size_t i = from; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' && (source_[i + 1] == '%' || source_[i + 1] == '{' || source_[i + 1] == '#'))
        return i;
    }
    return source_.size();
  }

  int line() const { return line_; }
  void emit(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line()}); }

  void text_until(std::size_t open) {
    std::string text(source_.substr(at_, open - at_));
    const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    std::size_t taken = 0;  // by the tag before: -%} takes all white space, trim_blocks one line end
    if (strip_next_) {
      taken = text.size() - strip(text, true, false, {}).size();
    } else if (trim_newline_ && text.starts_with('\n')) {
      taken = 1;
    }
    const bool starts_line = taken > 0 ? text[taken - 1] == '\n' : at_ == 0;
    text.erase(0, taken);
    strip_next_ = trim_newline_ = false;
    if (open + 2 < source_.size()) {
      const char sign = source_[open + 2];
      if (sign == '-') {
        text = strip(text, false, true, {});
      } else if (source_[open + 1] != '{' &&
                 sign != '+') {  // lstrip_blocks: spaces between line start and tag
        std::size_t end = text.size();
        while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
        if (end > 0 ? text[end - 1] == '\n' : starts_line) text.erase(end);
      }
    }
    if (!text.empty()) emit(TokenKind::kText, std::move(text));
    line_ += lines;
    at_ = open;
  }

  // {% raw %} ... {% endraw %}: text, whatever it holds.
  bool raw() {
    std::size_t begin = 0, unused = 0;
    if (!raw_tag(at_, "raw", begin)) return false;
    const int start = line();
    std::size_t end = begin;
    while (end < source_.size() && !raw_tag(end, "endraw", unused)) {
      end = std::min(source_.find("{%", end + 1), source_.size());
    }
    LQ_CHECK(end < source_.size(), kCorruptFile, "{}: line {}: 'raw' is never closed", who_, start);
    close_raw(begin, false);
    text_until(end);
    raw_tag(end, "endraw", at_);
    close_raw(at_, true);
    return true;
  }
  void close_raw(std::size_t end, bool trims) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    strip_next_ = source_[end - 3] == '-';
    trim_newline_ = trims && source_[end - 3] != '+';
    at_ = end;
  }
  // Does the tag `word` stand at `at`? end: behind it.
  bool raw_tag(std::size_t at, std::string_view word, std::size_t& end) const {
    if (!source_.substr(at).starts_with("{%")) return false;
    at += 2;
    if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
    while (at < source_.size() && is_space(source_[at])) ++at;
    if (!source_.substr(at).starts_with(word)) return false;
    at += word.size();
    while (at < source_.size() && is_space(source_[at])) ++at;
    if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
    if (!source_.substr(at).starts_with("%}")) return false;
    end = at + 2;
    return true;
  }

  void tag() {
    const char kind = source_[at_ + 1];
    const std::string close = kind == '%' ? "%}" : kind == '{' ? "}}" : "#}";
    at_ += 2;
    if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) ++at_;
    if (kind == '#') {
      const std::size_t end = source_.find(close, at_);
      LQ_CHECK(end != std::string_view::npos, kCorruptFile, "{}: line {}: a comment is never closed", who_,
               line());
      line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                           source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      const char sign = end > at_ ? source_[end - 1] : ' ';
      strip_next_ = sign == '-';
      trim_newline_ = sign != '+';
      at_ = end + 2;
      return;
    }
    emit(kind == '%' ? TokenKind::kOpenBlock : TokenKind::kOpenExpression, "");
    int depth = 0;  // of { } inside, so that a mapping may end right before the tag does
    while (true) {
      while (at_ < source_.size() && is_space(source_[at_])) line_ += source_[at_++] == '\n';
      LQ_CHECK(at_ < source_.size(), kCorruptFile, "{}: line {}: a tag is never closed", who_, line());
      const std::string_view rest = source_.substr(at_);
      if (depth == 0 && (rest.starts_with(close) || (rest.size() > 2 && (rest[0] == '-' || rest[0] == '+') &&
                                                     rest.substr(1).starts_with(close)))) {
        strip_next_ = rest[0] == '-';
        trim_newline_ = kind == '%' && rest[0] != '+';
        at_ += rest[0] == close[0] ? 2 : 3;
        break;
      }
      if (rest[0] == '{') ++depth;
      if (rest[0] == '}') --depth;
      token(rest);
    }
    emit(kind == '%' ? TokenKind::kCloseBlock : TokenKind::kCloseExpression, "");
  }

  void token(std::string_view rest) {
    const char c = rest[0];
    std::size_t n = 1;
    if (is_letter(c)) {
      while (n < rest.size() && (is_letter(rest[n]) || is_ascii_digit(rest[n]))) ++n;
      emit(TokenKind::kName, std::string(rest.substr(0, n)));
    } else if (is_ascii_digit(c)) {
      n = number(rest);
      emit(TokenKind::kNumber, std::string(rest.substr(0, n)));
    } else if (c == '\'' || c == '"') {
      n = string(rest);
    } else {
      static constexpr std::string_view kTwo[] = {"==", "!=", "<=", ">=", "//", "**"};
      const bool two = std::find(std::begin(kTwo), std::end(kTwo), rest.substr(0, 2)) != std::end(kTwo);
      LQ_CHECK(two || std::string_view("+-*/%~<>=()[]{}.,:|").find(c) != std::string_view::npos, kCorruptFile,
               "{}: line {}: unexpected character '{}'", who_, line(), c);
      n = two ? 2 : 1;
      emit(TokenKind::kOperator, std::string(rest.substr(0, n)));
    }
    at_ += n;
  }

  // Digits with "_" between them, 0x.., 0o.., 0b.., 1.5, 1e5.
  static std::size_t number(std::string_view rest) {
    const auto digits = [&](std::size_t n, bool hexadecimal) {
      const auto counts = [&](char c) {
        return is_ascii_digit(c) || c == '_' || (hexadecimal && (c | 32) >= 'a' && (c | 32) <= 'f');
      };
      while (n < rest.size() && counts(rest[n])) ++n;
      return n;
    };
    if (rest.size() > 2 && rest[0] == '0' &&
        std::string_view("xXoObB").find(rest[1]) != std::string_view::npos) {
      return digits(2, (rest[1] | 32) == 'x');
    }
    std::size_t n = digits(0, false);
    if (n + 1 < rest.size() && rest[n] == '.' && is_ascii_digit(rest[n + 1])) n = digits(n + 1, false);
    if (n < rest.size() && (rest[n] | 32) == 'e') {
      const std::size_t sign = n + 1 < rest.size() && (rest[n + 1] == '-' || rest[n + 1] == '+');
      if (n + 1 + sign < rest.size() && is_ascii_digit(rest[n + 1 + sign])) n = digits(n + 1 + sign, false);
    }
    return n;
  }

  std::size_t string(std::string_view rest) {
    std::string text;
    const int start = line();
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == rest[0]) {
        emit(TokenKind::kString, std::move(text));
        return i + 1;
      }
      line_ += rest[i] == '\n';
      if (rest[i] != '\\' || i + 1 >= rest.size()) {
        text.push_back(rest[i]);
      } else {
        i += escape(rest.substr(i + 1), text);
      }
    }
    fail(ErrorCode::kCorruptFile, "{}: line {}: a string is never closed", who_, start);
  }

  // What stands behind a backslash, as Python reads it. Returns how long it is.
  std::size_t escape(std::string_view rest, std::string& out) {
    static constexpr std::string_view kLetters = "abfnrtv\\'\"", kMeanings = "\a\b\f\n\r\t\v\\'\"";
    const char c = rest[0];
    if (const std::size_t known = kLetters.find(c); known != std::string_view::npos) {
      out.push_back(kMeanings[known]);
      return 1;
    }
    if (c == '\n') return ++line_, 1;  // a line that goes on
    if (c >= '0' && c <= '7') {
      std::size_t n = 0;
      char32_t code = 0;
      for (; n < 3 && n < rest.size() && rest[n] >= '0' && rest[n] <= '7'; ++n) {
        code = code * 8 + static_cast<char32_t>(rest[n] - '0');
      }
      utf8::append(out, code);
      return n;
    }
    if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      const auto is_hexadecimal = [](char d) {
        return is_ascii_digit(d) || ((d | 32) >= 'a' && (d | 32) <= 'f');
      };
      char32_t code = 0;
      for (std::size_t i = 1; i <= digits; ++i) {
        LQ_CHECK(i < rest.size() && is_hexadecimal(rest[i]), kCorruptFile,
                 "{}: line {}: an escape should have {} hexadecimal digits", who_, line(), digits);
        code = code * 16 +
               static_cast<char32_t>(is_ascii_digit(rest[i]) ? rest[i] - '0' : (rest[i] | 32) - 'a' + 10);
      }
      const bool known = code < 0x110000 && !(code >= 0xD800 && code < 0xE000);
      utf8::append(out, known ? code : utf8::kReplacement);
      return digits + 1;
    }
    LQ_CHECK(c != 'N', kUnsupported, "{}: line {}: a character by its name", who_, line());
    out.append(1, '\\').append(1, c);
    return 1;
  }

  std::string_view source_;
  const std::string& who_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool strip_next_ = false, trim_newline_ = false;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const std::string& who) {
  // Jinja reads every kind of line end as \n and drops one at the end of the template.
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
    text.push_back(source[i] == '\r' ? '\n' : source[i]);
  }
  if (text.ends_with('\n')) text.pop_back();
  return Lexer(text, who).run();
}

}  // namespace lq::jinja
