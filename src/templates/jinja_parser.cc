#include "templates/jinja_parser.h"

#include <algorithm>

namespace lq::jinja {
namespace {

class Parser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  std::vector<Node> run() {
    std::vector<Node> nodes = body({});
    LQ_CHECK(now().kind == TokenKind::kEnd, kCorruptFile, "{}: line {}: '{}' without its beginning", who_,
             now().line, peek().text);
    return nodes;
  }

 private:
  // Nodes up to a block that begins with one of `ends` (left for the caller) or the end.
  std::vector<Node> body(const std::vector<std::string_view>& ends) {
    const Depth depth(*this);
    std::vector<Node> out;
    while (now().kind != TokenKind::kEnd) {
      const int line = now().line;
      operators_ = 0;
      if (now().kind == TokenKind::kText) {
        out.push_back(node(NodeKind::kText, line));
        out.back().text = now().text;
        ++at_;
      } else if (now().kind == TokenKind::kOpenExpression) {
        ++at_;
        out.push_back(node(NodeKind::kPrint, line));
        out.back().expr = tuple();
        expect(TokenKind::kCloseExpression, "'}}'");
      } else {
        const std::string& word = peek().text;
        if (std::find(ends.begin(), ends.end(), word) != ends.end()) return out;
        if (word.starts_with("end") || word == "else" || word == "elif") return out;  // the caller complains
        out.push_back(block());
      }
    }
    return out;
  }
  // The body and the tag that ends it.
  std::vector<Node> body_until(std::string_view end) {
    std::vector<Node> nodes = body({end});
    LQ_CHECK(accept_block(end), kCorruptFile, "{}: line {}: expected '{}'", who_, now().line, end);
    return nodes;
  }

  static Node node(NodeKind kind, int line) {
    Node out{};
    out.kind = kind;
    out.line = line;
    return out;
  }

  Node block() {
    const int line = now().line;
    expect(TokenKind::kOpenBlock, "a tag");
    const std::string word = name();
    if (word == "if") return if_block(line);
    if (word == "for") return for_block(line);
    if (word == "set") return set_block(line);
    if (word == "macro") return macro(line);
    if (word == "call") return call_block(line);
    if (word == "with") return with_block(line);
    if (word == "filter") {
      Node out = node(NodeKind::kFilterBlock, line);
      out.expr = block_filters();
      close();
      out.body = body_until("endfilter");
      return out;
    }
    if (word == "generation") {
      Node out = node(NodeKind::kGeneration, line);
      close();
      out.body = body_until("endgeneration");
      return out;
    }
    if (word == "break" || word == "continue") {
      close();
      return node(word == "break" ? NodeKind::kBreak : NodeKind::kContinue, line);
    }
    fail(ErrorCode::kUnsupported,
         "{}: line {}: the tag '{}' (only for, if, set, macro, call, filter, with, raw, generation, break, "
         "continue)",
         who_, line, word);
  }

  Node if_block(int line) {
    const Depth depth(*this);
    Node out = node(NodeKind::kIf, line);
    out.expr = tuple(false);
    close();
    out.body = body({"elif", "else", "endif"});
    if (accept_block("elif", false)) {
      out.other.push_back(if_block(line));
      return out;
    }
    if (accept_block("else")) {
      out.other = body_until("endif");
    } else {
      LQ_CHECK(accept_block("endif"), kCorruptFile, "{}: line {}: expected 'endif'", who_, now().line);
    }
    return out;
  }

  Node for_block(int line) {
    Node out = node(NodeKind::kFor, line);
    out.target = target(false);
    expect("in");
    out.expr = tuple(false, "recursive");
    if (accept("if")) out.filter = expression();
    out.recursive = accept("recursive");
    close();
    out.body = body({"else", "endfor"});
    if (accept_block("else")) {
      out.other = body_until("endfor");
    } else {
      LQ_CHECK(accept_block("endfor"), kCorruptFile, "{}: line {}: expected 'endfor'", who_, now().line);
    }
    return out;
  }

  Node set_block(int line) {
    Node out = node(NodeKind::kSet, line);
    out.target = target(true);
    if (accept("=")) {
      out.expr = tuple();
      close();
      return out;
    }
    out.kind = NodeKind::kSetBlock;
    if (is("|")) out.expr = filters(nullptr);
    close();
    out.body = body_until("endset");
    return out;
  }

  // The parameters of a macro or a call block, behind "(".
  void parameters(Node& out) {
    while (!accept(")")) {
      out.target.names.push_back(name());
      if (accept("=")) {
        out.defaults.push_back(expression());
      } else {
        LQ_CHECK(out.defaults.empty(), kCorruptFile,
                 "{}: line {}: a parameter without default after one with", who_, now().line);
      }
      if (!is(")")) expect(",");
    }
  }

  // Reads a macro's body and notes which of the names that every macro has it looks at.
  void macro_body(Node& out, std::string_view end) {
    const bool varargs = saw_varargs_, kwargs = saw_kwargs_, caller = saw_caller_;
    saw_varargs_ = saw_kwargs_ = saw_caller_ = false;
    out.body = body_until(end);
    out.uses_varargs = saw_varargs_;
    out.uses_kwargs = saw_kwargs_;
    out.uses_caller = saw_caller_;
    saw_varargs_ |= varargs, saw_kwargs_ |= kwargs, saw_caller_ |= caller;
  }

  Node macro(int line) {
    Node out = node(NodeKind::kMacro, line);
    out.text = name();
    expect("(");
    parameters(out);
    close();
    macro_body(out, "endmacro");
    return out;
  }

  Node call_block(int line) {
    Node out = node(NodeKind::kCallBlock, line);
    if (accept("(")) parameters(out);
    out.expr = postfix(primary());
    LQ_CHECK(out.expr->kind == ExprKind::kCall, kCorruptFile, "{}: line {}: expected a call", who_, line);
    close();
    macro_body(out, "endcall");
    return out;
  }

  Node with_block(int line) {
    Node out = node(NodeKind::kWith, line);
    while (now().kind != TokenKind::kCloseBlock) {
      if (!out.target.names.empty()) expect(",");
      out.target.names.push_back(name());
      expect("=");
      out.defaults.push_back(expression());
    }
    close();
    out.body = body_until("endwith");
    return out;
  }

  // "name(args) | name ..." of a filter block: as filters of a value that is yet to come.
  ExprPtr block_filters() {
    auto e = make(ExprKind::kFilter, name());
    e->parts.push_back(nullptr);
    if (accept("(")) arguments(*e);
    return filters(std::move(e));
  }

  Target target(bool with_member) {
    Target first = one_target();
    if (with_member && first.parts.empty() && accept(".")) {
      first.member = name();
      return first;
    }
    if (!is(",")) return first;
    Target out;
    out.parts.push_back(std::move(first));
    while (accept(",") && !is("in") && !is("=") && !is(")")) out.parts.push_back(one_target());
    return out;
  }
  Target one_target() {
    const Depth depth(*this);
    if (accept("(")) {
      Target inside = target(false);
      expect(")");
      return inside;
    }
    Target out;
    out.names.push_back(name());
    return out;
  }

  void close() { expect(TokenKind::kCloseBlock, "'%}'"); }
  bool accept_block(std::string_view word, bool closes = true) {
    if (now().kind != TokenKind::kOpenBlock || peek().text != word) return false;
    at_ += 2;
    if (closes && word == "endmacro" && now().kind == TokenKind::kName) ++at_;
    if (closes) close();
    return true;
  }
};

}  // namespace

std::vector<Node> parse(std::string_view source, const std::string& who) {
  return Parser(tokenize(source, who), who).run();
}

}  // namespace lq::jinja
