// The parser's two halves: tokens to expressions, and tags to nodes over it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "templates/jinja_ast.h"
#include "templates/jinja_lexer.h"

namespace lq::jinja {

// Walks tokens and reads expressions, with Jinja's precedences.
class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, const std::string& who)
      : who_(who), tokens_(std::move(tokens)) {}

 protected:
  const Token& now() const { return tokens_[at_]; }
  const Token& peek(std::size_t n = 1) const;
  bool is(std::string_view text) const;  // an operator or a name
  bool accept(std::string_view text);    // and moves on
  std::string shown() const;             // what stands here, for errors
  void expect(std::string_view text);
  void expect(TokenKind kind, std::string_view shown_as);
  std::string name();
  // Guards the recursion here and in the evaluation.
  struct Depth {
    explicit Depth(ExpressionParser& p);
    ~Depth() { --p_.depth_; }
    ExpressionParser& p_;
  };

  ExprPtr expression(bool conditional = true);
  // a, b, c: a tuple where there is a comma. ends: a name that ends it ("recursive").
  ExprPtr tuple(bool conditional = true, std::string_view end = {});
  ExprPtr filters(ExprPtr value);  // as long as there is a "|"
  void arguments(Expr& call);      // behind "("
  ExprPtr postfix(ExprPtr value);
  ExprPtr primary();
  ExprPtr make(ExprKind kind, std::string text = {}) const;

  const std::string& who_;
  std::size_t at_ = 0;
  int operators_ = 0;  // of the expression that is being read
  bool saw_varargs_ = false, saw_kwargs_ = false, saw_caller_ = false;

 private:
  bool ends_tuple(std::string_view end) const;
  ExprPtr binary(std::string text, ExprPtr left, ExprPtr right);
  ExprPtr disjunction();
  ExprPtr conjunction();
  ExprPtr negation();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filter = true);
  ExprPtr filtered(ExprPtr value);
  ExprPtr test(ExprPtr value);
  ExprPtr subscript(ExprPtr value);
  ExprPtr number();
  ExprPtr parenthesized();
  ExprPtr list();
  ExprPtr mapping();

  std::vector<Token> tokens_;
  int depth_ = 0;
};

}  // namespace lq::jinja
