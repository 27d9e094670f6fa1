// Literals, names and what stands in brackets.
#include <algorithm>
#include <charconv>

#include "templates/jinja_parser.h"

namespace lq::jinja {

ExprPtr ExpressionParser::primary() {
  const Depth depth(*this);
  const Token token = now();
  if (token.kind == TokenKind::kString) {
    auto e = make(ExprKind::kLiteral);
    std::string text;
    for (; now().kind == TokenKind::kString; ++at_) text += now().text;
    e->value = std::move(text);
    return e;
  }
  if (token.kind == TokenKind::kNumber) return number();
  if (token.kind == TokenKind::kName) {
    ++at_;
    auto e = make(ExprKind::kLiteral);
    if (token.text == "true" || token.text == "True") return e->value = true, std::move(e);
    if (token.text == "false" || token.text == "False") return e->value = false, std::move(e);
    if (token.text == "none" || token.text == "None") return e->value = None{}, std::move(e);
    saw_varargs_ |= token.text == "varargs";
    saw_kwargs_ |= token.text == "kwargs";
    saw_caller_ |= token.text == "caller";
    return make(ExprKind::kName, token.text);
  }
  if (accept("(")) return parenthesized();
  if (accept("[")) return list();
  if (accept("{")) return mapping();
  fail(ErrorCode::kCorruptFile, "{}: line {}: expected a value, found '{}'", who_, now().line, shown());
}

ExprPtr ExpressionParser::number() {
  const Token token = now();
  auto e = make(ExprKind::kLiteral);
  std::string digits = token.text;
  std::erase(digits, '_');
  const bool based =
      digits.size() > 2 && digits[0] == '0' && (digits[1] | 32) >= 'b' && (digits[1] | 32) != 'e';
  const auto read = [&](auto value, std::string_view text, auto... how) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, how...);
    LQ_CHECK(error == std::errc() && end == text.data() + text.size(), kUnsupported,
             "{}: line {}: the number {}", who_, token.line, token.text);
    e->value = value;
  };
  if (based) {
    const char letter = static_cast<char>(digits[1] | 32);
    read(std::int64_t{0}, std::string_view(digits).substr(2), letter == 'x' ? 16 : letter == 'o' ? 8 : 2);
  } else if (digits.find_first_of(".eE") == std::string::npos) {
    read(std::int64_t{0}, digits);
  } else {
    read(0.0, digits);
  }
  ++at_;
  return e;
}

ExprPtr ExpressionParser::parenthesized() {
  auto list = make(ExprKind::kTuple);
  if (accept(")")) return list;
  ExprPtr inside = expression();
  if (!is(",")) {
    expect(")");
    return inside;
  }
  list->parts.push_back(std::move(inside));
  while (accept(",") && !is(")")) list->parts.push_back(expression());
  expect(")");
  return list;
}

ExprPtr ExpressionParser::list() {
  auto list = make(ExprKind::kList);
  while (!accept("]")) {
    list->parts.push_back(expression());
    if (!is("]")) expect(",");
  }
  return list;
}

ExprPtr ExpressionParser::mapping() {
  auto mapping = make(ExprKind::kMapping);
  while (!accept("}")) {
    mapping->parts.push_back(expression());
    expect(":");
    mapping->parts.push_back(expression());
    if (!is("}")) expect(",");
  }
  return mapping;
}

}  // namespace lq::jinja
