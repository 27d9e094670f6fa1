#include <algorithm>

#include "base/error.h"
#include "templates/jinja_ast.h"
#include "templates/jinja_lexer.h"

namespace lq::jinja {
namespace {

constexpr int kMaxOperators = 500;
constexpr int kMaxJinjaDepth = 60;  // of nested expressions and blocks: recursion here and in the evaluation

class Parser {
 public:
  Parser(std::vector<Token> tokens, const std::string& who) : tokens_(std::move(tokens)), who_(who) {}

  std::vector<Node> run() {
    std::vector<Node> nodes = body({});
    LQ_CHECK(now().kind == TokenKind::kEnd, kCorruptFile, "{}: line {}: '{}' without its beginning", who_,
             now().line, tokens_[at_ + 1].text);
    return nodes;
  }

 private:
  const Token& now() const { return tokens_[at_]; }
  const Token& peek(std::size_t n = 1) const { return tokens_[std::min(at_ + n, tokens_.size() - 1)]; }
  bool is(std::string_view text) const {
    return (now().kind == TokenKind::kOperator || now().kind == TokenKind::kName) && now().text == text;
  }
  bool accept(std::string_view text) {
    if (!is(text)) return false;
    ++at_;
    return true;
  }
  std::string shown() const {
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
  void expect(std::string_view text) {
    LQ_CHECK(accept(text), kCorruptFile, "{}: line {}: expected '{}', found '{}'", who_, now().line, text,
             shown());
  }
  void expect(TokenKind kind, std::string_view shown_as) {
    LQ_CHECK(now().kind == kind, kCorruptFile, "{}: line {}: expected {}, found '{}'", who_, now().line,
             shown_as, shown());
    ++at_;
  }
  std::string name() {
    const std::string text = now().text;
    expect(TokenKind::kName, "a name");
    return text;
  }
  struct Depth {
    explicit Depth(Parser& p) : p_(p) {
      LQ_CHECK(++p_.depth_ <= kMaxJinjaDepth, kUnsupported, "{}: line {}: nested more than {} deep", p_.who_,
               p_.now().line, kMaxJinjaDepth);
    }
    ~Depth() { --p_.depth_; }
    Parser& p_;
  };

  // Nodes up to a block that begins with one of `ends` (left for the caller) or the end.
  std::vector<Node> body(const std::vector<std::string_view>& ends) {
    const Depth depth(*this);
    std::vector<Node> out;
    while (now().kind != TokenKind::kEnd) {
      const int line = now().line;
      operators_ = 0;
      if (now().kind == TokenKind::kText) {
        out.push_back({NodeKind::kText, line, now().text, {}, {}, {}, {}, {}});
        ++at_;
      } else if (now().kind == TokenKind::kOpenExpression) {
        ++at_;
        out.push_back({NodeKind::kPrint, line, {}, {}, expression(), {}, {}, {}});
        expect(TokenKind::kCloseExpression, "'}}'");
      } else {
        const std::string& word = peek().text;
        if (std::find(ends.begin(), ends.end(), word) != ends.end()) return out;
        if (word.starts_with("end") || word == "else" || word == "elif") return out;  // the caller complains
        block(out);
      }
    }
    return out;
  }

  void block(std::vector<Node>& out) {
    const int line = now().line;
    expect(TokenKind::kOpenBlock, "a tag");
    const std::string word = name();
    Node node{NodeKind::kText, line, {}, {}, {}, {}, {}, {}};
    if (word == "if") {
      node = if_block(line);
    } else if (word == "for") {
      node.kind = NodeKind::kFor;
      node.text = name();
      if (accept(",")) node.second = name();
      expect("in");
      node.expr = ternary_free();
      if (accept("if")) node.filter = expression();
      close();
      node.body = body({"else", "endfor"});
      if (accept_block("else")) node.other = body({"endfor"});
      end_block("endfor");
    } else if (word == "set") {
      node.kind = NodeKind::kSet;
      node.text = name();
      if (accept(".")) node.second = name();
      LQ_CHECK(!is(",") && now().kind != TokenKind::kCloseBlock, kUnsupported,
               "{}: line {}: 'set' of several names or of a block", who_, line);
      expect("=");
      node.expr = expression();
      close();
    } else if (word == "break" || word == "continue") {
      node.kind = word == "break" ? NodeKind::kBreak : NodeKind::kContinue;
      close();
    } else if (word == "generation" || word == "endgeneration") {
      close();
      return;
    } else {
      fail(ErrorCode::kUnsupported, "{}: line {}: the tag '{}' (only for, if, set, break, continue)", who_,
           line, word);
    }
    out.push_back(std::move(node));
  }

  Node if_block(int line) {
    const Depth depth(*this);
    Node node{NodeKind::kIf, line, {}, {}, expression(), {}, {}, {}};
    close();
    node.body = body({"elif", "else", "endif"});
    if (accept_block("elif", false)) {
      node.other.push_back(if_block(line));
      return node;
    }
    if (accept_block("else")) node.other = body({"endif"});
    end_block("endif");
    return node;
  }

  void close() { expect(TokenKind::kCloseBlock, "'%}'"); }
  bool accept_block(std::string_view word, bool closes = true) {
    if (now().kind != TokenKind::kOpenBlock || peek().text != word) return false;
    at_ += 2;
    if (closes) close();
    return true;
  }
  void end_block(std::string_view word) {
    LQ_CHECK(accept_block(word), kCorruptFile, "{}: line {}: expected '{}'", who_, now().line, word);
  }

  ExprPtr make(ExprKind kind, std::string text = {}) const {
    auto e = std::make_unique<Expr>();
    e->kind = kind;
    e->line = now().line;
    e->text = std::move(text);
    return e;
  }
  // Operators in a row make a tree as deep as the row is long: both lengths are bounded.
  ExprPtr binary(std::string text, ExprPtr left, ExprPtr right) {
    LQ_CHECK(++operators_ <= kMaxOperators, kUnsupported,
             "{}: line {}: more than {} operators in one expression", who_, now().line, kMaxOperators);
    auto e = make(ExprKind::kBinary, std::move(text));
    e->parts.push_back(std::move(left));
    e->parts.push_back(std::move(right));
    return e;
  }

  ExprPtr expression() {
    const Depth depth(*this);
    ExprPtr value = ternary_free();
    if (accept("if")) {
      auto e = make(ExprKind::kIf);
      e->parts.push_back(std::move(value));
      e->parts.push_back(ternary_free());
      e->parts.push_back(accept("else") ? expression() : nullptr);
      value = std::move(e);
    }
    return value;
  }

  ExprPtr ternary_free() {
    ExprPtr left = conjunction();
    while (accept("or")) left = binary("or", std::move(left), conjunction());
    return left;
  }
  ExprPtr conjunction() {
    ExprPtr left = negation();
    while (accept("and")) left = binary("and", std::move(left), negation());
    return left;
  }
  ExprPtr negation() {
    const Depth depth(*this);
    if (!accept("not")) return comparison();
    auto e = make(ExprKind::kUnary, "not");
    e->parts.push_back(negation());
    return e;
  }
  ExprPtr comparison() {
    ExprPtr left = sum();
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
      if (op.empty()) return left;
      left = binary(op, std::move(left), sum());
    }
  }
  ExprPtr sum() {
    ExprPtr left = product();
    while (is("+") || is("-") || is("~")) {
      const std::string op = now().text;
      ++at_;
      left = binary(op, std::move(left), product());
    }
    return left;
  }
  ExprPtr product() {
    ExprPtr left = unary();
    while (is("*") || is("/") || is("//") || is("%")) {
      const std::string op = now().text;
      ++at_;
      left = binary(op, std::move(left), unary());
    }
    return left;
  }
  ExprPtr unary() {
    const Depth depth(*this);
    if (!is("-") && !is("+")) return filtered(postfix(primary()));
    auto e = make(ExprKind::kUnary, now().text);
    ++at_;
    e->parts.push_back(unary());
    return e;
  }

  ExprPtr filtered(ExprPtr value) {
    int count = 0;
    while (is("|") || is("is")) {
      LQ_CHECK(++count < kMaxJinjaDepth, kUnsupported, "{}: line {}: a chain of {} filters", who_, now().line,
               count);
      if (accept("|")) {
        auto e = make(ExprKind::kFilter, name());
        e->parts.push_back(std::move(value));
        if (accept("(")) arguments(*e);
        value = postfix(std::move(e));
        continue;
      }
      expect("is");
      const bool negative = accept("not");
      auto e = make(ExprKind::kTest, name());
      e->parts.push_back(std::move(value));
      if (accept("(")) {
        arguments(*e);
      } else if (now().kind == TokenKind::kString || now().kind == TokenKind::kNumber) {
        e->parts.push_back(primary());
      }
      value = std::move(e);
      if (negative) {
        auto n = make(ExprKind::kUnary, "not");
        n->parts.push_back(std::move(value));
        value = std::move(n);
      }
    }
    return value;
  }

  ExprPtr postfix(ExprPtr value) {
    int count = 0;
    while (true) {
      LQ_CHECK(++count < kMaxJinjaDepth, kUnsupported, "{}: line {}: a chain of {} calls", who_, now().line,
               count);
      if (accept(".")) {
        auto e = make(ExprKind::kAttribute, now().text);
        LQ_CHECK(now().kind == TokenKind::kName || now().kind == TokenKind::kNumber, kCorruptFile,
                 "{}: line {}: expected a name after '.'", who_, now().line);
        ++at_;
        e->parts.push_back(std::move(value));
        value = std::move(e);
      } else if (accept("[")) {
        value = subscript(std::move(value));
      } else if (accept("(")) {
        auto e = make(ExprKind::kCall);
        e->parts.push_back(std::move(value));
        arguments(*e);
        value = std::move(e);
      } else {
        return value;
      }
    }
  }

  ExprPtr subscript(ExprPtr value) {
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

  void arguments(Expr& call) {
    while (!accept(")")) {
      std::string key;
      if (now().kind == TokenKind::kName && peek().text == "=" && peek().kind == TokenKind::kOperator) {
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

  ExprPtr primary() {
    const Depth depth(*this);
    const Token token = now();
    if (token.kind == TokenKind::kString) {
      auto e = make(ExprKind::kLiteral);
      std::string text;
      for (; now().kind == TokenKind::kString; ++at_) text += now().text;
      e->value = text;
      return e;
    }
    if (token.kind == TokenKind::kNumber) {
      auto e = make(ExprKind::kLiteral);
      LQ_CHECK(token.text.size() <= 18, kUnsupported, "{}: line {}: the number {}", who_, token.line,
               token.text);
      if (token.text.find('.') == std::string::npos) {
        e->value = std::stoll(token.text);
      } else {
        e->value = std::stod(token.text);
      }
      ++at_;
      return e;
    }
    if (token.kind == TokenKind::kName) {
      ++at_;
      auto e = make(ExprKind::kLiteral);
      if (token.text == "true" || token.text == "True") return e->value = true, std::move(e);
      if (token.text == "false" || token.text == "False") return e->value = false, std::move(e);
      if (token.text == "none" || token.text == "None") return e;
      return make(ExprKind::kName, token.text);
    }
    if (accept("(")) {
      ExprPtr inside = expression();
      if (!is(",")) {
        expect(")");
        return inside;
      }
      auto list = make(ExprKind::kList);  // a tuple
      list->parts.push_back(std::move(inside));
      while (accept(",") && !is(")")) list->parts.push_back(expression());
      expect(")");
      return list;
    }
    if (accept("[")) {
      auto list = make(ExprKind::kList);
      while (!accept("]")) {
        list->parts.push_back(expression());
        if (!is("]")) expect(",");
      }
      return list;
    }
    if (accept("{")) {
      auto mapping = make(ExprKind::kMapping);
      while (!accept("}")) {
        mapping->parts.push_back(expression());
        expect(":");
        mapping->parts.push_back(expression());
        if (!is("}")) expect(",");
      }
      return mapping;
    }
    fail(ErrorCode::kCorruptFile, "{}: line {}: expected a value, found '{}'", who_, now().line, shown());
  }

  std::vector<Token> tokens_;
  const std::string& who_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int operators_ = 0;
};

}  // namespace

std::vector<Node> parse(std::string_view source, const std::string& who) {
  return Parser(tokenize(source, who), who).run();
}

}  // namespace lq::jinja
