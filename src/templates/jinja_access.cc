// Members, items, slices, calls and arguments.
#include <algorithm>
#include <charconv>

#include "templates/jinja_runtime.h"
#include "templates/jinja_text.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

std::string missing(const Value& value, std::string_view name) {
  const std::string owner =
      value.is_dict() && !value.is_namespace() ? "dict object" : std::string(type_name(value));
  return fmt::format("'{}' has no attribute '{}'", owner, name);
}

[[noreturn]] void refuse_member(const Runtime& runtime, const Value& value, const std::string& name) {
  const std::string* what = value.undefined_reason();
  runtime.refuse("{} ('{}' of it is asked for)", what == nullptr ? "a value is undefined" : *what, name);
}

const Value* element(const std::vector<Value>& items, const Value& key) {
  if (!key.is_whole()) return nullptr;
  const auto n = std::ssize(items);
  std::int64_t i = key.whole();
  if (i < 0) i += n;
  return i < 0 || i >= n ? nullptr : &items[static_cast<std::size_t>(i)];
}

std::optional<Value> named_member(const Value& value, std::string_view name) {
  if (value.is_dict()) {
    if (const Value* found = value.dict().find(name)) return *found;
  }
  if (value.is_list()) {
    const auto& names = value.list().names;
    const auto it = std::find(names.begin(), names.end(), name);
    if (it != names.end()) return value.list().items[static_cast<std::size_t>(it - names.begin())];
  }
  return std::nullopt;
}

}  // namespace

Value attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is_undefined()) refuse_member(runtime, value, std::string(name));
  if (name.starts_with("_")) {  // the sandbox shows nothing of Python's inside
    const Value* found = value.is_mapping() ? value.dict().find(name) : nullptr;
    return found != nullptr ? *found : Value::undefined(missing(value, name));
  }
  if (value.is_object()) {
    Value member = value.object().member(runtime, name);
    return member.is_undefined() && member.undefined_reason() == nullptr
               ? Value::undefined(missing(value, name))
               : member;
  }
  if (auto method = method_of(value, name)) return *method;
  if (auto member = named_member(value, name)) return *member;
  refuse_unknown_method(runtime, value, name);
  return Value::undefined(missing(value, name));
}

Value item(Runtime& runtime, const Value& value, const Value& key) {
  if (value.is_undefined()) refuse_member(runtime, value, to_text(key));
  if (value.is_mapping()) {
    if (const Value* found = value.dict().find(key)) return *found;
  } else if (value.is_list() && value.list().kind != ListKind::kLazy &&
             value.list().kind != ListKind::kView) {
    if (const Value* found = element(value.list().items, key)) return *found;
  } else if (value.is_text() && key.is_whole()) {
    const auto n = count_characters(value.text());
    const std::int64_t i = key.whole() < 0 ? key.whole() + n : key.whole();
    if (i >= 0 && i < n) return character_range(value.text(), i, i + 1);
  }
  if (key.is_text()) return attribute(runtime, value, key.text());
  return Value::undefined(missing(value, to_text(key)));
}

Value slice(Runtime& runtime, const Value& value, const Value& begin, const Value& end, const Value& step) {
  if (value.is_undefined()) refuse_member(runtime, value, "a slice");
  const bool sliced = value.is_text() || (value.is_list() && value.list().kind != ListKind::kLazy &&
                                          value.list().kind != ListKind::kView);
  if (!sliced) return Value::undefined(missing(value, "a slice"));
  for (const Value* bound : {&begin, &end, &step}) {
    if (!bound->is_none() && !bound->is_whole()) runtime.refuse("slice indices must be integers or none");
  }
  const std::int64_t n = length(runtime, value), stride = step.is_none() ? 1 : step.whole();
  if (stride == 0) runtime.refuse("slice step cannot be zero");
  const std::int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? n : n - 1;
  const auto place = [&](const Value& bound, std::int64_t absent) {
    if (bound.is_none()) return absent;
    const std::int64_t i = bound.whole();
    return std::clamp(i < 0 ? (i < -n ? -n - 1 : i) + n : i, low, high);
  };
  const std::int64_t first = place(begin, stride > 0 ? low : high),
                     last = place(end, stride > 0 ? high : low);
  if (value.is_text() && stride == 1) {
    return Value(character_range(value.text(), first, std::max(first, last)), value.is_markup());
  }
  const std::vector<Value> items = value.is_text() ? iterate(runtime, value) : value.list().items;
  std::vector<Value> out;
  for (std::int64_t i = first; stride > 0 ? i < last : i > last; i += stride) {
    out.push_back(items[static_cast<std::size_t>(i)]);
    if (stride > n || stride < -n) break;
  }
  runtime.charge(out.size() / 4);
  if (!value.is_text()) return Value(std::move(out), value.list().kind);
  std::string text;
  for (const Value& c : out) text += c.text();
  return Value(std::move(text), value.is_markup());
}

Value member_at(Runtime& runtime, const Value& value, const Value& path) {
  if (!path.is_text()) return item(runtime, value, path);
  Value out = value;
  for (const std::string& part : split_text(path.text(), ".", -1)) {
    std::int64_t index = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool number = !part.empty() && error == std::errc() && end == part.data() + part.size();
    out = item(runtime, out, number ? Value(index) : Value(part));
  }
  return out;
}

Value call(Runtime& runtime, const Value& callee, Arguments& arguments) {
  if (callee.is_object()) return callee.object().call(runtime, arguments);
  if (callee.is_undefined()) {
    const std::string* what = callee.undefined_reason();
    runtime.refuse("{} (and is called)", what == nullptr ? "a value is undefined" : *what);
  }
  runtime.refuse("'{}' object is not callable", type_name(callee));
}

Value Object::member(Runtime&, std::string_view) { return {}; }
Value Object::call(Runtime& runtime, Arguments&) {
  runtime.refuse("'{}' object is not callable", type_name());
}

Bound::Bound(const Runtime& runtime, std::string_view who, const Arguments& arguments,
             std::initializer_list<const char*> parameters)
    : runtime_(runtime), who_(who), parameters_(parameters), given_(parameters_.size(), nullptr) {
  if (arguments.values.size() > parameters_.size()) {
    runtime.refuse("'{}' takes not more than {} argument(s), got {}", who, parameters_.size(),
                   arguments.values.size());
  }
  for (std::size_t i = 0; i < arguments.values.size(); ++i) given_[i] = &arguments.values[i];
  for (const auto& [name, value] : arguments.named) {
    const auto it = std::find(parameters_.begin(), parameters_.end(), name);
    const auto i = static_cast<std::size_t>(it - parameters_.begin());
    if (it == parameters_.end()) runtime.refuse("'{}' has no argument '{}'", who, name);
    if (given_[i] != nullptr) runtime.refuse("'{}' got two values for '{}'", who, name);
    given_[i] = &value;
  }
}
const Value& Bound::required(std::size_t i) const {
  if (given_[i] == nullptr) runtime_.refuse("'{}' needs the argument '{}'", who_, parameters_[i]);
  return *given_[i];
}
std::string Bound::text(std::size_t i) const {
  const Value& value = required(i);
  if (!value.is_text()) {
    runtime_.refuse("'{}' of '{}' should be text, is {}", parameters_[i], who_, type_name(value));
  }
  return value.text();
}
std::string Bound::text(std::size_t i, std::string_view fallback) const {
  return given_[i] == nullptr || given_[i]->is_none() ? std::string(fallback) : text(i);
}
std::int64_t Bound::whole(std::size_t i, std::int64_t fallback) const {
  if (given_[i] == nullptr || given_[i]->is_none()) return fallback;
  if (!given_[i]->is_whole()) {
    runtime_.refuse("'{}' of '{}' should be a whole number, is {}", parameters_[i], who_,
                    type_name(*given_[i]));
  }
  return given_[i]->whole();
}
bool Bound::flag(std::size_t i, bool fallback) const {
  return given_[i] == nullptr ? fallback : truth(*given_[i]);
}

}  // namespace lq::jinja
