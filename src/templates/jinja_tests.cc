// The tests of {% if x is test %}.
#include <algorithm>

#include "templates/jinja_runtime.h"
#include "templates/jinja_text.h"

namespace lq::jinja {
namespace {

using Test = bool (*)(Runtime&, const Value&, const Bound&);
struct NamedTest {
  std::string_view name;
  Test test;
};

bool known_filter(std::string_view name) {
  return find_text_filter(name) != nullptr || find_list_filter(name) != nullptr ||
         find_value_filter(name) != nullptr;
}

// Tests without an argument.
constexpr NamedTest kPlain[] = {
    {"defined", [](Runtime&, const Value& v, const Bound&) { return !v.is_undefined(); }},
    {"undefined", [](Runtime&, const Value& v, const Bound&) { return v.is_undefined(); }},
    {"none", [](Runtime&, const Value& v, const Bound&) { return v.is_none(); }},
    {"string", [](Runtime&, const Value& v, const Bound&) { return v.is_text(); }},
    {"mapping", [](Runtime&, const Value& v, const Bound&) { return v.is_mapping(); }},
    {"iterable",
     [](Runtime&, const Value& v, const Bound&) {
       return v.is_text() || v.is_list() || v.is_mapping() || v.is_undefined();
     }},
    {"sequence",
     [](Runtime&, const Value& v, const Bound&) {
       const bool list = v.is_list() && !v.is_lazy() && v.list().kind != ListKind::kView;
       return v.is_text() || list || v.is_mapping() || v.is_undefined();
     }},
    {"number", [](Runtime&, const Value& v, const Bound&) { return v.is_number(); }},
    {"integer", [](Runtime&, const Value& v, const Bound&) { return v.is_int(); }},
    {"float", [](Runtime&, const Value& v, const Bound&) { return v.is_float(); }},
    {"boolean", [](Runtime&, const Value& v, const Bound&) { return v.is_bool(); }},
    {"true", [](Runtime&, const Value& v, const Bound&) { return v.is_bool() && v.whole() == 1; }},
    {"false", [](Runtime&, const Value& v, const Bound&) { return v.is_bool() && v.whole() == 0; }},
    {"callable",
     [](Runtime&, const Value& v, const Bound&) { return v.is_object() && v.object().callable(); }},
    {"escaped", [](Runtime&, const Value& v, const Bound&) { return v.is_markup(); }},
    {"lower", [](Runtime&, const Value& v, const Bound&) { return is_all_case(to_text(v), false); }},
    {"upper", [](Runtime&, const Value& v, const Bound&) { return is_all_case(to_text(v), true); }},
    {"odd",
     [](Runtime& r, const Value& v, const Bound&) { return truth(binary(r, "%", v, std::int64_t{2})); }},
    {"even",
     [](Runtime& r, const Value& v, const Bound&) { return !truth(binary(r, "%", v, std::int64_t{2})); }},
    {"filter", [](Runtime&, const Value& v, const Bound&) { return v.is_text() && known_filter(v.text()); }},
};

template <int op>
bool compares(Runtime& r, const Value& v, const Bound& b) {
  static constexpr std::string_view kOperators[] = {"==", "!=", "<", "<=", ">", ">="};
  return truth(binary(r, kOperators[op], v, b.required(0)));
}
bool same_as(Runtime&, const Value& v, const Bound& b) {
  const Value& other = b.required(0);
  if (v.identity() != nullptr || other.identity() != nullptr) return v.identity() == other.identity();
  return v.is_bool() == other.is_bool() && v.is_float() == other.is_float() && equal(v, other);
}

// Tests with one.
constexpr NamedTest kWithOther[] = {
    {"eq", compares<0>},
    {"equalto", compares<0>},
    {"==", compares<0>},
    {"ne", compares<1>},
    {"!=", compares<1>},
    {"lt", compares<2>},
    {"lessthan", compares<2>},
    {"<", compares<2>},
    {"le", compares<3>},
    {"<=", compares<3>},
    {"gt", compares<4>},
    {"greaterthan", compares<4>},
    {">", compares<4>},
    {"ge", compares<5>},
    {">=", compares<5>},
    {"sameas", same_as},
    {"in", [](Runtime& r, const Value& v, const Bound& b) { return contains(r, b.required(0), v); }},
    {"divisibleby",
     [](Runtime& r, const Value& v, const Bound& b) { return !truth(binary(r, "%", v, b.required(0))); }},
};

}  // namespace

bool apply_test(Runtime& r, std::string_view name, const Value& value, const Arguments& arguments) {
  for (const NamedTest& t : kPlain) {
    if (t.name == name) return t.test(r, value, Bound(r, name, arguments, {}));
  }
  for (const NamedTest& t : kWithOther) {
    if (t.name == name) return t.test(r, value, Bound(r, name, arguments, {"other"}));
  }
  if (name == "test") {
    const auto known = [&](const auto& table) {
      return std::any_of(std::begin(table), std::end(table),
                         [&](const NamedTest& t) { return value.is_text() && t.name == value.text(); });
    };
    return known(kPlain) || known(kWithOther);
  }
  r.unsupported("the test 'is {}'", name);
}

}  // namespace lq::jinja
