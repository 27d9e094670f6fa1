#include <algorithm>

#include "templates/jinja_parser.h"

namespace lq::jinja {
namespace {

constexpr int kMaxOperators = 500;
constexpr int kMaxChain = 60;
constexpr int kMaxDepth = 60;

}  // namespace

ExpressionParser::Depth::Depth(ExpressionParser& p) : p_(p) {
  LQ_CHECK(++p_.depth_ <= kMaxDepth, kUnsupported, "{}: line {}: nested more than {} deep", p_.who_,
           p_.now().line, kMaxDepth);
}

const Token& ExpressionParser::peek(std::size_t n) const {
  return tokens_[std::min(at_ + n, tokens_.size() - 1)];
}
bool ExpressionParser::is(std::string_view text) const {
  return (now().kind == TokenKind::kOperator || now().kind == TokenKind::kName) && now().text == text;
}
bool ExpressionParser::accept(std::string_view text) {
  if (!is(text)) return false;
  ++at_;
  return true;
}
std::string ExpressionParser::shown() const {
  switch (now().kind) {
    case TokenKind::kEnd:
      return "the end";
    case TokenKind::kCloseBlock:
      return "%}";
    case TokenKind::kCloseExpression:
      return "}}";
    default:
      return now().text;
  }
}
void ExpressionParser::expect(std::string_view text) {
  LQ_CHECK(accept(text), kCorruptFile, "{}: line {}: expected '{}', found '{}'", who_, now().line, text,
           shown());
}
void ExpressionParser::expect(TokenKind kind, std::string_view shown_as) {
  LQ_CHECK(now().kind == kind, kCorruptFile, "{}: line {}: expected {}, found '{}'", who_, now().line,
           shown_as, shown());
  ++at_;
}
std::string ExpressionParser::name() {
  const std::string text = now().text;
  expect(TokenKind::kName, "a name");
  return text;
}

ExprPtr ExpressionParser::make(ExprKind kind, std::string text) const {
  auto e = std::make_unique<Expr>();
  e->kind = kind;
  e->line = now().line;
  e->text = std::move(text);
  return e;
}

// Operators in a row make a tree as deep as the row is long: both lengths are bounded.
ExprPtr ExpressionParser::binary(std::string text, ExprPtr left, ExprPtr right) {
  LQ_CHECK(++operators_ <= kMaxOperators, kUnsupported,
           "{}: line {}: more than {} operators in one expression", who_, now().line, kMaxOperators);
  auto e = make(ExprKind::kBinary, std::move(text));
  e->parts.push_back(std::move(left));
  e->parts.push_back(std::move(right));
  return e;
}

ExprPtr ExpressionParser::expression(bool conditional) {
  const Depth depth(*this);
  ExprPtr value = disjunction();
  while (conditional && accept("if")) {
    auto e = make(ExprKind::kIf);
    LQ_CHECK(++operators_ <= kMaxOperators, kUnsupported,
             "{}: line {}: more than {} operators in one expression", who_, now().line, kMaxOperators);
    e->parts.push_back(std::move(value));
    e->parts.push_back(disjunction());
    e->parts.push_back(accept("else") ? expression() : nullptr);
    value = std::move(e);
  }
  return value;
}

bool ExpressionParser::ends_tuple(std::string_view end) const {
  return now().kind == TokenKind::kCloseBlock || now().kind == TokenKind::kCloseExpression || is(")") ||
         (!end.empty() && is(end));
}

ExprPtr ExpressionParser::tuple(bool conditional, std::string_view end) {
  ExprPtr first = expression(conditional);
  if (!is(",")) return first;
  auto list = make(ExprKind::kTuple);
  list->parts.push_back(std::move(first));
  while (accept(",") && !ends_tuple(end)) list->parts.push_back(expression(conditional));
  return list;
}

ExprPtr ExpressionParser::disjunction() {
  ExprPtr left = conjunction();
  while (accept("or")) left = binary("or", std::move(left), conjunction());
  return left;
}
ExprPtr ExpressionParser::conjunction() {
  ExprPtr left = negation();
  while (accept("and")) left = binary("and", std::move(left), negation());
  return left;
}
ExprPtr ExpressionParser::negation() {
  const Depth depth(*this);
  if (!accept("not")) return comparison();
  auto e = make(ExprKind::kUnary, "not");
  e->parts.push_back(negation());
  return e;
}

ExprPtr ExpressionParser::comparison() {
  ExprPtr first = sum();
  ExprPtr chain;
  while (true) {
    std::string op;
    if (now().kind == TokenKind::kOperator) {
      for (const char* candidate : {"==", "!=", "<=", ">=", "<", ">"}) {
        if (op.empty() && accept(candidate)) op = candidate;
      }
    }
    if (op.empty() && accept("in")) op = "in";
    if (op.empty() && is("not") && peek().text == "in") {
      at_ += 2;
      op = "not in";
    }
    if (op.empty()) return chain == nullptr ? std::move(first) : std::move(chain);
    if (chain == nullptr) {
      chain = make(ExprKind::kCompare);
      chain->names.emplace_back();
      chain->parts.push_back(std::move(first));
    }
    chain->names.push_back(std::move(op));
    chain->parts.push_back(sum());
  }
}

ExprPtr ExpressionParser::sum() {
  ExprPtr left = concatenation();
  while (is("+") || is("-")) {
    const std::string op = now().text;
    ++at_;
    left = binary(op, std::move(left), concatenation());
  }
  return left;
}
ExprPtr ExpressionParser::concatenation() {
  ExprPtr left = product();
  while (accept("~")) left = binary("~", std::move(left), product());
  return left;
}
ExprPtr ExpressionParser::product() {
  ExprPtr left = power();
  while (is("*") || is("/") || is("//") || is("%")) {
    const std::string op = now().text;
    ++at_;
    left = binary(op, std::move(left), power());
  }
  return left;
}
ExprPtr ExpressionParser::power() {
  ExprPtr left = unary();
  while (accept("**")) left = binary("**", std::move(left), unary());
  return left;
}

// -x | filter is (-x) | filter, as Jinja has it.
ExprPtr ExpressionParser::unary(bool with_filter) {
  const Depth depth(*this);
  ExprPtr value;
  if (is("-") || is("+")) {
    value = make(ExprKind::kUnary, now().text);
    ++at_;
    value->parts.push_back(unary(false));
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filter ? filtered(std::move(value)) : std::move(value);
}

ExprPtr ExpressionParser::filters(ExprPtr value) {
  int count = 0;
  while (accept("|")) {
    LQ_CHECK(++count < kMaxChain, kUnsupported, "{}: line {}: a chain of {} filters", who_, now().line,
             count);
    std::string text = name();
    while (accept(".")) text += "." + name();
    auto e = make(ExprKind::kFilter, std::move(text));
    e->parts.push_back(std::move(value));
    if (accept("(")) arguments(*e);
    value = std::move(e);
  }
  return value;
}

ExprPtr ExpressionParser::filtered(ExprPtr value) {
  int count = 0;
  while (is("|") || is("is") || is("(")) {
    LQ_CHECK(++count < kMaxChain, kUnsupported, "{}: line {}: a chain of {} filters", who_, now().line,
             count);
    if (is("|")) {
      value = filters(std::move(value));
    } else if (accept("is")) {
      value = test(std::move(value));
    } else {
      value = postfix(std::move(value));
    }
  }
  return value;
}

ExprPtr ExpressionParser::test(ExprPtr value) {
  const bool negative = accept("not");
  std::string text = name();
  while (accept(".")) text += "." + name();
  auto e = make(ExprKind::kTest, std::move(text));
  e->parts.push_back(std::move(value));
  const auto begins_argument = [&] {
    switch (now().kind) {
      case TokenKind::kName:
        return !is("else") && !is("or") && !is("and");
      case TokenKind::kString:
      case TokenKind::kNumber:
        return true;
      default:
        return is("[") || is("{");
    }
  };
  if (accept("(")) {
    arguments(*e);
  } else if (begins_argument()) {
    LQ_CHECK(!is("is"), kCorruptFile, "{}: line {}: a test of a test", who_, now().line);
    e->parts.push_back(postfix(primary()));
  }
  e->names.resize(e->parts.size());
  if (!negative) return e;
  auto n = make(ExprKind::kUnary, "not");
  n->parts.push_back(std::move(e));
  return n;
}

ExprPtr ExpressionParser::postfix(ExprPtr value) {
  int count = 0;
  while (is(".") || is("[") || is("(")) {
    LQ_CHECK(++count < kMaxChain, kUnsupported, "{}: line {}: a chain of {} calls", who_, now().line, count);
    if (accept(".")) {
      ExprPtr e;
      if (now().kind == TokenKind::kNumber) {
        e = make(ExprKind::kIndex);
        e->parts.push_back(std::move(value));
        e->parts.push_back(number());
      } else {
        e = make(ExprKind::kAttribute, now().text);
        LQ_CHECK(now().kind == TokenKind::kName, kCorruptFile, "{}: line {}: expected a name after '.'", who_,
                 now().line);
        ++at_;
        e->parts.push_back(std::move(value));
      }
      value = std::move(e);
    } else if (accept("[")) {
      value = subscript(std::move(value));
    } else {
      expect("(");
      auto e = make(ExprKind::kCall);
      e->parts.push_back(std::move(value));
      arguments(*e);
      value = std::move(e);
    }
  }
  return value;
}

ExprPtr ExpressionParser::subscript(ExprPtr value) {
  auto e = make(ExprKind::kIndex);
  e->parts.push_back(std::move(value));
  e->parts.push_back(is(":") ? nullptr : expression());
  while (accept(":")) {
    LQ_CHECK(e->parts.size() < 4, kCorruptFile, "{}: line {}: a slice of more than three parts", who_,
             now().line);
    e->kind = ExprKind::kSlice;
    e->parts.push_back(is("]") || is(":") ? nullptr : expression());
  }
  expect("]");
  if (e->kind == ExprKind::kSlice) e->parts.resize(4);
  return e;
}

void ExpressionParser::arguments(Expr& call) {
  while (!accept(")")) {
    std::string key;
    if (is("*") || is("**")) {
      key = now().text;
      ++at_;
    } else if (now().kind == TokenKind::kName && peek().text == "=" && peek().kind == TokenKind::kOperator) {
      key = name();
      expect("=");
    }
    call.names.resize(call.parts.size());
    call.names.push_back(key);
    call.parts.push_back(expression());
    if (!is(")")) expect(",");
  }
  call.names.resize(call.parts.size());
}

}  // namespace lq::jinja
