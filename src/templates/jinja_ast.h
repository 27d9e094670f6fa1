// Syntax tree of a Jinja template.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lq::jinja {

enum class ExprKind {
  kLiteral,    // value
  kName,       // text
  kList,       // parts
  kMapping,    // parts: key, value, key, value ...
  kAttribute,  // parts[0] . text
  kIndex,      // parts[0] [ parts[1] ]
  kSlice,      // parts[0] [ parts[1] : parts[2] : parts[3] ], absent ones nullptr
  kCall,       // parts[0] ( parts[1..] ); names[i] names argument i, or is empty
  kFilter,     // parts[0] | text ( parts[1..] )
  kTest,       // parts[0] is text ( parts[1..] )
  kUnary,      // text parts[0]: "not", "-", "+"
  kBinary,     // parts[0] text parts[1]
  kIf,         // parts[0] if parts[1] else parts[2] (or nullptr)
};

struct Expr {
  ExprKind kind;
  int line = 0;
  std::string text;
  nlohmann::json value;
  std::vector<std::unique_ptr<Expr>> parts;
  std::vector<std::string> names;
};
using ExprPtr = std::unique_ptr<Expr>;

enum class NodeKind { kText, kPrint, kIf, kFor, kSet, kBreak, kContinue };

struct Node {
  NodeKind kind;
  int line = 0;
  std::string text;               // kText; kFor, kSet: the name
  std::string second;             // kFor: the second name of "for k, v"; kSet: the attribute of "ns.x"
  ExprPtr expr;                   // what is printed, tested, looped over, assigned
  ExprPtr filter;                 // kFor: "for x in e if filter"
  std::vector<Node> body, other;  // other: else
};

// Throws kCorruptFile, kUnsupported.
std::vector<Node> parse(std::string_view source, const std::string& who);

}  // namespace lq::jinja
