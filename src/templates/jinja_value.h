// Values of a Jinja template: Python's, as far as templates see them. Text, lists and mappings are shared and
// never change (transformers' sandbox refuses what would change them), so that copying a value costs nothing;
// only a namespace is written to.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace lq::jinja {

class Value;
class Runtime;
struct Arguments;

struct Text {
  std::string bytes;    // valid UTF-8
  bool markup = false;  // made by `safe` or `escape`: escapes what is added to it
};

enum class ListKind {
  kList,
  kTuple,
  kRange,
  kView,  // keys(), values(), items()
  kLazy,  // what a generator gives: always true, no length, gone once it has been walked
};

struct ListData {
  std::vector<Value> items;
  ListKind kind = ListKind::kList;
  std::vector<std::string> names;  // of a tuple whose members have names (groupby)
  mutable std::size_t walked = 0;  // kLazy: how many are gone
};

// A mapping in the order of its keys, or a namespace.
class Dict {
 public:
  bool is_namespace = false;
  const Value* find(const Value& key) const;  // nullptr where absent
  const Value* find(std::string_view key) const;
  void set(const Value& key, Value value);
  const std::vector<std::pair<Value, Value>>& entries() const { return entries_; }
  std::size_t size() const;

 private:
  std::size_t position(std::string_view key) const;

  std::vector<std::pair<Value, Value>> entries_;
  std::unordered_map<std::string_view, std::size_t> by_text_;  // of text keys, once there are many
};

// Something that is called or has members that are computed: macros, methods, functions, `loop`.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
  virtual Value member(Runtime& runtime, std::string_view name);  // undefined where there is none
  virtual Value call(Runtime& runtime, Arguments& arguments);     // refuses, unless overridden
  virtual bool callable() const { return true; }
};

struct Undefined {
  std::shared_ptr<const std::string> what;  // "'x' is undefined"; may be nullptr
};
struct None {};

class Value {
 public:
  Value() = default;  // undefined
  Value(None) : data_(None{}) {}
  Value(bool b) : data_(b) {}
  Value(std::int64_t i) : data_(i) {}
  Value(double d) : data_(d) {}
  Value(std::string text, bool markup = false)
      : data_(std::make_shared<const Text>(Text{std::move(text), markup})) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(ListData list) : data_(std::make_shared<const ListData>(std::move(list))) {}
  Value(std::vector<Value> items, ListKind kind = ListKind::kList)
      : Value(ListData{std::move(items), kind, {}, 0}) {}
  Value(std::shared_ptr<Dict> dict) : data_(std::move(dict)) {}
  Value(std::shared_ptr<Object> object) : data_(std::move(object)) {}
  static Value undefined(std::string what) {
    Value v;
    v.data_ = Undefined{std::make_shared<const std::string>(std::move(what))};
    return v;
  }

  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_float() const { return std::holds_alternative<double>(data_); }
  bool is_number() const { return is_bool() || is_int() || is_float(); }  // as Python counts
  bool is_whole() const { return is_bool() || is_int(); }
  bool is_text() const { return std::holds_alternative<std::shared_ptr<const Text>>(data_); }
  bool is_list() const { return std::holds_alternative<std::shared_ptr<const ListData>>(data_); }
  bool is_lazy() const { return is_list() && list().kind == ListKind::kLazy; }
  bool is_dict() const { return std::holds_alternative<std::shared_ptr<Dict>>(data_); }  // or a namespace
  bool is_mapping() const { return is_dict() && !dict().is_namespace; }
  bool is_namespace() const { return is_dict() && dict().is_namespace; }
  bool is_object() const { return std::holds_alternative<std::shared_ptr<Object>>(data_); }

  // REQUIRES: the type is that one (whole: is_whole, number: is_number).
  const std::string& text() const { return std::get<std::shared_ptr<const Text>>(data_)->bytes; }
  bool is_markup() const { return is_text() && std::get<std::shared_ptr<const Text>>(data_)->markup; }
  const ListData& list() const { return *std::get<std::shared_ptr<const ListData>>(data_); }
  const Dict& dict() const { return *std::get<std::shared_ptr<Dict>>(data_); }
  Dict& mutable_dict() const { return *std::get<std::shared_ptr<Dict>>(data_); }
  Object& object() const { return *std::get<std::shared_ptr<Object>>(data_); }
  std::int64_t whole() const { return is_bool() ? std::get<bool>(data_) : std::get<std::int64_t>(data_); }
  double number() const { return is_float() ? std::get<double>(data_) : static_cast<double>(whole()); }
  // Of a number, without rounding: all whole numbers and all others fit into x86's 64-bit mantissa.
  long double exact() const { return is_float() ? static_cast<long double>(number()) : whole(); }
  const std::string* undefined_reason() const { return std::get<Undefined>(data_).what.get(); }
  // Where a list or mapping lies: the same for copies of one value, nullptr for other types.
  const void* identity() const;

 private:
  std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const Text>,
               std::shared_ptr<const ListData>, std::shared_ptr<Dict>, std::shared_ptr<Object>>
      data_;
};

bool truth(const Value& value);
// Python's ==. Throws kUnsupported for values nested too deep.
bool equal(const Value& a, const Value& b);
// As Python names the type: "str", "dict", "NoneType".
std::string_view type_name(const Value& value);
// str(value): what {{ value }} prints.
std::string to_text(const Value& value);
// repr(value): as it is printed inside a list.
std::string to_repr(const Value& value);
// repr of a float: the shortest digits that give it back.
std::string float_text(double value);

// Members keep their order. Malformed UTF-8 is repaired. Throws kUnsupported for whole numbers beyond 64
// bits.
Value from_json(const nlohmann::ordered_json& json);

}  // namespace lq::jinja
