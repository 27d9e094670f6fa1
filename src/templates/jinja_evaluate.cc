#include "templates/jinja_interpreter.h"

namespace lq::jinja {

Value Interpreter::lookup(const std::string& name, const Scope& scope) const {
  for (const Scope* s = &scope; s != nullptr; s = s->parent.get()) {
    if (const auto it = s->names.find(name); it != s->names.end()) return it->second;
  }
  Value function = global_function(name);
  return function.is_undefined() ? Value::undefined(fmt::format("'{}' is undefined", name)) : function;
}

Arguments Interpreter::arguments(const Expr& e, const ScopePtr& scope) {
  Arguments out;
  for (std::size_t i = 1; i < e.parts.size(); ++i) {
    Value value = evaluate(*e.parts[i], scope);
    const std::string& name = e.names[i];
    if (name.empty()) {
      out.values.push_back(std::move(value));
    } else if (name == "*") {
      for (Value& item : iterate(*this, value)) out.values.push_back(std::move(item));
    } else if (name == "**") {
      if (!value.is_mapping()) refuse("'**' of {} (expected a mapping)", type_name(value));
      for (const auto& [key, member] : value.dict().entries()) out.named.emplace_back(to_text(key), member);
    } else {
      out.named.emplace_back(name, std::move(value));
    }
  }
  return out;
}

Value Interpreter::filter(const Expr& e, const ScopePtr& scope, const Value* through) {
  step(e.line);
  const Value value = e.parts[0] == nullptr                   ? *through
                      : e.parts[0]->kind == ExprKind::kFilter ? filter(*e.parts[0], scope, through)
                                                              : evaluate(*e.parts[0], scope);
  const Arguments given = arguments(e, scope);
  line_ = e.line;
  return apply_filter(*this, e.text, value, given);
}

Value Interpreter::compare(const Expr& e, const ScopePtr& scope) {
  Value left = evaluate(*e.parts[0], scope);
  Value result = true;
  for (std::size_t i = 1; i < e.parts.size() && truth(result); ++i) {
    Value right = evaluate(*e.parts[i], scope);
    line_ = e.line;
    result = binary(*this, e.names[i], left, right);
    left = std::move(right);
  }
  return result;
}

Value Interpreter::evaluate(const Expr& e, const ScopePtr& scope) {
  step(e.line);
  const auto part = [&](std::size_t i) { return evaluate(*e.parts[i], scope); };
  switch (e.kind) {
    case ExprKind::kLiteral:
      return e.value;
    case ExprKind::kName:
      return lookup(e.text, *scope);
    case ExprKind::kList:
    case ExprKind::kTuple: {
      std::vector<Value> items;
      items.reserve(e.parts.size());
      for (const auto& p : e.parts) items.push_back(evaluate(*p, scope));
      return Value(std::move(items), e.kind == ExprKind::kList ? ListKind::kList : ListKind::kTuple);
    }
    case ExprKind::kMapping: {
      auto dict = std::make_shared<Dict>();
      for (std::size_t i = 0; i + 1 < e.parts.size(); i += 2) {
        const Value key = part(i);
        if (key.is_list() ? key.list().kind != ListKind::kTuple : key.is_dict()) {
          refuse("unhashable type: '{}'", type_name(key));
        }
        dict->set(key, part(i + 1));
      }
      return dict;
    }
    case ExprKind::kAttribute: {
      const Value object = part(0);
      line_ = e.line;
      return attribute(*this, object, e.text);
    }
    case ExprKind::kIndex: {
      const Value object = part(0), key = part(1);
      line_ = e.line;
      return item(*this, object, key);
    }
    case ExprKind::kSlice: {
      const Value object = part(0);
      const auto bound = [&](std::size_t i) { return e.parts[i] == nullptr ? Value(None{}) : part(i); };
      const Value begin = bound(1), end = bound(2), stride = bound(3);
      line_ = e.line;
      return slice(*this, object, begin, end, stride);
    }
    case ExprKind::kCall: {
      const Value callee = part(0);
      Arguments given = arguments(e, scope);
      line_ = e.line;
      return call(*this, callee, given);
    }
    case ExprKind::kFilter:
      return filter(e, scope, nullptr);
    case ExprKind::kTest: {
      const Value value = part(0);
      const Arguments given = arguments(e, scope);
      line_ = e.line;
      return apply_test(*this, e.text, value, given);
    }
    case ExprKind::kUnary: {
      const Value value = part(0);
      line_ = e.line;
      if (e.text == "not") return !truth(value);
      if (!value.is_number()) refuse("bad operand type for unary {}: '{}'", e.text, type_name(value));
      if (value.is_float()) return e.text == "-" ? -value.number() : value.number();
      return binary(*this, e.text, std::int64_t{0}, value);
    }
    case ExprKind::kBinary: {
      Value left = part(0);
      if (e.text == "and") return truth(left) ? part(1) : left;
      if (e.text == "or") return truth(left) ? left : part(1);
      const Value right = part(1);
      line_ = e.line;
      return binary(*this, e.text, left, right);
    }
    case ExprKind::kCompare:
      return compare(e, scope);
    case ExprKind::kIf:
      if (truth(part(1))) return part(0);
      return e.parts[2] == nullptr ? Value::undefined("the inline if-expression evaluated to false")
                                   : part(2);
  }
  return {};
}

}  // namespace lq::jinja
