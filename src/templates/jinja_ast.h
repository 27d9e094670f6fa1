// Syntax tree of a Jinja template.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "templates/jinja_value.h"

namespace lq::jinja {

enum class ExprKind {
  kLiteral,    // value
  kName,       // text
  kList,       // parts
  kTuple,      // parts
  kMapping,    // parts: key, value, key, value ...
  kAttribute,  // parts[0] . text
  kIndex,      // parts[0] [ parts[1] ]
  kSlice,      // parts[0] [ parts[1] : parts[2] : parts[3] ], absent ones nullptr
  kCall,       // parts[0] ( parts[1..] ); names[i] names argument i, is empty, "*" or "**"
  kFilter,     // parts[0] | text ( parts[1..] ); parts[0] is nullptr for the value of a block
  kTest,       // parts[0] is text ( parts[1..] )
  kUnary,      // text parts[0]: "not", "-", "+"
  kBinary,     // parts[0] text parts[1]: arithmetic, "~", "and", "or"
  kCompare,    // parts[0] names[1] parts[1] names[2] parts[2] ...: each neighbours' comparison holds
  kIf,         // parts[0] if parts[1] else parts[2] (or nullptr)
};

struct Expr {
  ExprKind kind;
  int line = 0;
  std::string text;
  Value value;
  std::vector<std::unique_ptr<Expr>> parts;
  std::vector<std::string> names;
};
using ExprPtr = std::unique_ptr<Expr>;

enum class NodeKind {
  kText,         // text
  kPrint,        // expr
  kIf,           // if expr body, else other
  kFor,          // for target in expr if filter: body, else other; recursive
  kSet,          // target = expr
  kSetBlock,     // target = body, through the filters of expr where there is one
  kMacro,        // text: its name; target.names: parameters; defaults
  kCallBlock,    // call(target.names) expr: body is what caller() gives
  kFilterBlock,  // body through the filters of expr
  kWith,         // body with target.names[i] = defaults[i]
  kGeneration,   // body
  kBreak,
  kContinue
};

// What is assigned to: one name, several that a value is unpacked into, or a member of a namespace.
struct Target {
  std::vector<std::string> names;
  std::vector<Target> parts;  // of "a, (b, c)"; then names is empty
  std::string member;         // of "ns.member"; then names has "ns"
};

struct Node {
  NodeKind kind;
  int line = 0;
  std::string text;
  Target target;
  ExprPtr expr, filter;
  std::vector<ExprPtr> defaults;  // of the last parameters
  std::vector<Node> body, other;
  bool recursive = false;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;  // of a macro
};

// Throws kCorruptFile, kUnsupported.
std::vector<Node> parse(std::string_view source, const std::string& who);

}  // namespace lq::jinja
