// What filters, tests and methods see of a running template, and their tables.
#pragma once

#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "templates/jinja_value.h"

namespace lq::jinja {

struct Arguments {
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> named;
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  // Counts work; throws kUnsupported where the template runs away.
  virtual void charge(std::size_t work) = 0;
  // "file: line n" of what is running.
  virtual std::string place() const = 0;
  virtual std::tm now() const = 0;

  // What Python would raise, too: this conversation does not suit the template.
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kInvalidArgument,
                place() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
  // What Python would do and we do not.
  template <typename... Args>
  [[noreturn]] void unsupported(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kUnsupported, place() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
};

// Arguments by position or name, as a Python function of these parameters takes them. Refuses what it has no
// parameter for and what is given twice.
class Bound {
 public:
  Bound(const Runtime& runtime, std::string_view who, const Arguments& arguments,
        std::initializer_list<const char*> parameters);
  // nullptr where it is not given.
  const Value* operator[](std::size_t i) const { return given_[i]; }
  // These refuse values of another type; the last argument is taken where none is given.
  const Value& required(std::size_t i) const;
  std::string text(std::size_t i) const;
  std::string text(std::size_t i, std::string_view fallback) const;
  std::int64_t whole(std::size_t i, std::int64_t fallback) const;
  bool flag(std::size_t i, bool fallback) const;

 private:
  const Runtime& runtime_;
  std::string_view who_;
  std::vector<const char*> parameters_;
  std::vector<const Value*> given_;
};

// Refuses what cannot be iterated; a mapping gives its keys, text its characters. Empties a generator.
std::vector<Value> iterate(const Runtime& runtime, const Value& value);
std::int64_t length(const Runtime& runtime, const Value& value);
// Python's <. Refuses types that have no order.
bool less(const Runtime& runtime, const Value& a, const Value& b);
bool contains(const Runtime& runtime, const Value& container, const Value& item);
// a op b, for + - * / // % ** ~ == != < <= > >= in "not in".
Value binary(Runtime& runtime, std::string_view op, const Value& a, const Value& b);

// value.name and value[key]: Python's attribute, then the member, and the other way round.
Value attribute(Runtime& runtime, const Value& value, std::string_view name);
Value item(Runtime& runtime, const Value& value, const Value& key);
Value slice(Runtime& runtime, const Value& value, const Value& begin, const Value& end, const Value& step);
// item(item(value, "a"), 0) for the path "a.0", as map(attribute=...) and its kin take it.
Value member_at(Runtime& runtime, const Value& value, const Value& path);

// A method of text, lists or mappings bound to a value; nothing where the type has none of this name.
std::optional<Value> method_of(const Value& value, std::string_view name);
// Throws kUnsupported where Python has a method of this name and we do not.
void refuse_unknown_method(const Runtime& runtime, const Value& value, std::string_view name);
Value call(Runtime& runtime, const Value& callee, Arguments& arguments);

Value apply_filter(Runtime& runtime, std::string_view name, const Value& value, const Arguments& arguments);
bool apply_test(Runtime& runtime, std::string_view name, const Value& value, const Arguments& arguments);

// The functions that every template has: range, dict, namespace, raise_exception, strftime_now ...; undefined
// where there is none of this name.
Value global_function(std::string_view name);

// json.dumps(value, ...) of Python. indent: text put before members, absent: all in one line.
struct JsonStyle {
  bool ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;
  std::optional<std::pair<std::string, std::string>> separators;  // between items, after a key
};
std::string to_json(Runtime& runtime, const Value& value, const JsonStyle& style);

// format % values and text.format(...) of Python.
std::string percent_format(Runtime& runtime, std::string_view format, const Value& values);
std::string brace_format(Runtime& runtime, std::string_view format, const Arguments& arguments);
// strftime of a fixed locale ("C").
std::string format_time(Runtime& runtime, const std::string& format);

// A width in characters that a template asks for. Refuses one that only a template that ran away asks for.
std::int64_t checked_width(const Runtime& runtime, std::int64_t width);

using Method = Value (*)(Runtime&, const Value& self, const Arguments&);
struct NamedMethod {
  std::string_view name;
  Method method;
};
template <std::size_t n>
Method find_method(const NamedMethod (&table)[n], std::string_view name) {
  const auto it =
      std::find_if(std::begin(table), std::end(table), [&](const auto& m) { return m.name == name; });
  return it == std::end(table) ? nullptr : it->method;
}

// Of text; nullptr where there is none of this name.
Method find_text_method(std::string_view name);

using Filter = Value (*)(Runtime&, const Value&, const Arguments&);
struct NamedFilter {
  std::string_view name;
  Filter filter;
};
// The filters of one file each; nullptr where it has none of this name.
Filter find_text_filter(std::string_view name);
Filter find_list_filter(std::string_view name);
Filter find_value_filter(std::string_view name);

}  // namespace lq::jinja
