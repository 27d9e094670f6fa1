// Values, a runtime without a template and trees of expressions, for tests of Jinja's parts by themselves.
#pragma once

#include <gtest/gtest.h>

#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/io_test_util.h"
#include "templates/jinja_ast.h"
#include "templates/jinja_runtime.h"

namespace lq::jinja::bare {

// Its errors begin with "t: line 7"; its time is 16:05:09 on February 29, 2024.
class BareRuntime final : public Runtime {
 public:
  void charge(std::size_t work) override { charged += work; }
  std::string place() const override { return "t: line 7"; }
  std::tm now() const override {
    std::tm at{};
    at.tm_year = 124, at.tm_mon = 1, at.tm_mday = 29;
    at.tm_hour = 16, at.tm_min = 5, at.tm_sec = 9;
    at.tm_wday = 4, at.tm_yday = 59;
    return at;
  }
  std::size_t charged = 0;
};

inline Value of_json(const std::string& text) { return from_json(nlohmann::ordered_json::parse(text)); }
// The same list as another kind of one.
inline Value of_kind(const std::string& text, ListKind kind) { return {of_json(text).list().items, kind}; }
inline Value tuple_of(const std::string& text) { return of_kind(text, ListKind::kTuple); }
inline Value markup(const std::string& text) { return {text, true}; }

// As Python prints it inside a list; lists that are none yet behind their kind: "range[0, 1]".
inline std::string shown(const Value& value) {
  if (!value.is_list() || value.list().kind == ListKind::kList || value.list().kind == ListKind::kTuple) {
    return to_repr(value);
  }
  return std::string(type_name(value)) + to_repr(Value(value.list().items));
}

// Positional arguments of a JSON list.
inline Arguments given(const std::string& values) {
  Arguments out;
  out.values = of_json(values).list().items;
  return out;
}
inline Arguments named(const std::string& name, Value value) {
  Arguments out;
  out.named.emplace_back(name, std::move(value));
  return out;
}

// What a method of a value gives; a text where there is none of this name.
inline Value called_value(const Value& self, std::string_view name, Arguments arguments) {
  BareRuntime runtime;
  const std::optional<Value> method = method_of(self, name);
  return method ? call(runtime, *method, arguments) : Value("no such method");
}
inline std::string called(const Value& self, std::string_view name, const std::string& arguments = "[]") {
  return shown(called_value(self, name, given(arguments)));
}

inline void expect_refused(std::string_view part, const std::function<void()>& body) {
  io_test::expect_error(ErrorCode::kInvalidArgument, {"t: line 7: ", part}, body);
}
inline void expect_unsupported(std::string_view part, const std::function<void()>& body) {
  io_test::expect_error(ErrorCode::kUnsupported, {"t: line 7: ", part}, body);
}

// "(+ 1 (* 2 x))" of an expression: what is done first stands innermost.
inline std::string tree(const Expr* e) {
  if (e == nullptr) return "_";
  std::string out;
  const auto parts = [&](std::size_t from) {
    for (std::size_t i = from; i < e->parts.size(); ++i) {
      const std::string& name = i < e->names.size() ? e->names[i] : std::string();
      const bool stars = name == "*" || name == "**";
      out.append(" ").append(name).append(name.empty() || stars ? "" : "=").append(tree(e->parts[i].get()));
    }
    return out.append(")");
  };
  switch (e->kind) {
    case ExprKind::kLiteral:
      return to_repr(e->value);
    case ExprKind::kName:
      return e->text;
    case ExprKind::kList:
      out = "(list";
      return parts(0);
    case ExprKind::kTuple:
      out = "(tuple";
      return parts(0);
    case ExprKind::kMapping:
      out = "(mapping";
      return parts(0);
    case ExprKind::kAttribute:
      out.append("(.").append(e->text);
      return parts(0);
    case ExprKind::kIndex:
      out = "([]";
      return parts(0);
    case ExprKind::kSlice:
      out = "([:]";
      return parts(0);
    case ExprKind::kCall:
      out = "(call";
      return parts(0);
    case ExprKind::kFilter:
      out.append("(|").append(e->text);
      return parts(0);
    case ExprKind::kTest:
      out.append("(is-").append(e->text);
      return parts(0);
    case ExprKind::kUnary:
    case ExprKind::kBinary:
      out.append("(").append(e->text);
      return parts(0);
    case ExprKind::kCompare:
      out.append("(").append(tree(e->parts[0].get()));
      for (std::size_t i = 1; i < e->parts.size(); ++i) {
        out.append(" ").append(e->names[i]).append(" ").append(tree(e->parts[i].get()));
      }
      return out.append(")");
    case ExprKind::kIf:
      out = "(if";
      return parts(0);
  }
  return out;
}

// The tree of an expression between {{ and }}.
inline std::string parsed(const std::string& expression) {
  std::string source = "{{ ";
  source.append(expression).append(" }}");
  const std::vector<Node> nodes = parse(source, "t");
  return nodes.size() == 1 ? tree(nodes[0].expr.get()) : "not one node";
}

// What the parser says of it.
inline void expect_no_parse(ErrorCode code, std::string_view part, const std::string& source) {
  io_test::expect_error(code, {"t: line ", part}, [&] { parse(source, "t"); });
}

}  // namespace lq::jinja::bare
