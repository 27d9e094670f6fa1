#include "templates/jinja_lexer.h"

#include <algorithm>

#include "base/error.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_letter(char c) { return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  Lexer(std::string_view source, const std::string& who) : source_(source), who_(who) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const std::size_t open = find_open(at_);
      text_until(open);
      if (open == source_.size()) break;
      at_ = open;
      tag();
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
      taken = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_space) - text.begin());
    } else if (trim_newline_ && text.starts_with('\n')) {
      taken = 1;
    }
    const bool starts_line = taken > 0 ? text[taken - 1] == '\n' : at_ == 0;
    text.erase(0, taken);
    strip_next_ = trim_newline_ = false;
    if (open + 2 < source_.size()) {
      const char sign = source_[open + 2];
      if (sign == '-') {
        while (!text.empty() && is_space(text.back())) text.pop_back();
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
      while (n < rest.size() && (is_letter(rest[n]) || is_digit(rest[n]))) ++n;
      emit(TokenKind::kName, std::string(rest.substr(0, n)));
    } else if (is_digit(c)) {
      while (n < rest.size() && is_digit(rest[n])) ++n;
      if (n + 1 < rest.size() && rest[n] == '.' && is_digit(rest[n + 1])) {
        for (++n; n < rest.size() && is_digit(rest[n]);) ++n;
      }
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
        continue;
      }
      const char c = rest[++i];
      switch (c) {
        case 'n':
          text.push_back('\n');
          break;
        case 't':
          text.push_back('\t');
          break;
        case 'r':
          text.push_back('\r');
          break;
        case '\\':
        case '\'':
        case '"':
          text.push_back(c);
          break;
        case 'x':
          i += escape(rest.substr(i + 1), 2, text);
          break;
        case 'u':
          i += escape(rest.substr(i + 1), 4, text);
          break;
        default:
          text.append(1, '\\').append(1, c);
      }
    }
    fail(ErrorCode::kCorruptFile, "{}: line {}: a string is never closed", who_, start);
  }

  std::size_t escape(std::string_view rest, std::size_t digits, std::string& out) {
    char32_t code = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char c = i < rest.size() ? static_cast<char>(rest[i] | 32) : 'z';
      const bool letter = c >= 'a' && c <= 'f';
      LQ_CHECK(letter || is_digit(rest.size() > i ? rest[i] : 'z'), kCorruptFile,
               "{}: line {}: an escape should have {} hexadecimal digits", who_, line(), digits);
      code = code * 16 + static_cast<char32_t>(letter ? c - 'a' + 10 : rest[i] - '0');
    }
    utf8::append(out, code >= 0xD800 && code < 0xE000 ? utf8::kReplacement : code);
    return digits;
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
  // Jinja drops one line end at the end of the template.
  if (source.ends_with('\n')) source.remove_suffix(1);
  return Lexer(source, who).run();
}

}  // namespace lq::jinja
