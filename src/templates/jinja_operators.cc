#include <algorithm>
#include <cmath>

#include "templates/jinja_runtime.h"
#include "templates/jinja_text.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

constexpr std::size_t kMaxText = std::size_t{1}
                                 << 24;  // of one value: a template that makes more has run away

Value joined(Runtime& runtime, const Value& a, const Value& b) {
  // Markup escapes what is added to it.
  const bool markup = a.is_markup() || b.is_markup();
  std::string out = markup && !a.is_markup() ? escape_html(a.text()) : a.text();
  out += markup && !b.is_markup() ? escape_html(b.text()) : b.text();
  runtime.charge(out.size() / 64);
  if (out.size() > kMaxText) runtime.unsupported("a text of more than {} bytes", kMaxText);
  return Value(std::move(out), markup);
}

Value repeated(Runtime& runtime, const Value& value, std::int64_t times) {
  times = std::max<std::int64_t>(times, 0);
  const std::size_t size = value.is_text() ? value.text().size() : value.list().items.size() * 16;
  if (static_cast<double>(size) * static_cast<double>(times) > static_cast<double>(kMaxText)) {
    runtime.unsupported("a value repeated {} times", times);
  }
  runtime.charge(size * static_cast<std::size_t>(times) / 64);
  if (value.is_text()) {
    std::string out;
    for (std::int64_t i = 0; i < times && size > 0; ++i) out += value.text();
    return Value(std::move(out), value.is_markup());
  }
  std::vector<Value> out;
  for (std::int64_t i = 0; i < times && size > 0; ++i) {
    out.insert(out.end(), value.list().items.begin(), value.list().items.end());
  }
  return Value(std::move(out), value.list().kind);
}

// Python has no infinite power of finite numbers, and complex ones of negative numbers.
double power(const Runtime& runtime, double x, double y) {
  if (x == 0 && y < 0) runtime.refuse("0.0 cannot be raised to a negative power");
  const double out = std::pow(x, y);
  if (!std::isfinite(x) || !std::isfinite(y)) return out;
  if (std::isnan(out)) runtime.unsupported("a complex number: {} to the power of {}", x, y);
  if (std::isinf(out)) runtime.refuse("{} to the power of {} is too large", x, y);
  return out;
}

Value whole_arithmetic(Runtime& runtime, std::string_view op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &out);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &out);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &out);
  } else if (op == "**") {
    if (b < 0) return power(runtime, static_cast<double>(a), static_cast<double>(b));
    out = 1;
    const bool small = a >= -1 && a <= 1;
    for (std::int64_t i = 0; i < (small ? b % 2 + (b > 0 ? 2 : 0) : b) && !overflow; ++i) {
      overflow = __builtin_mul_overflow(out, a, &out);
    }
  } else {
    if (b == 0) runtime.refuse("division by zero");
    if (op == "/") return static_cast<double>(a) / static_cast<double>(b);
    if (b == -1 && op == "%") return std::int64_t{0};
    overflow = a == INT64_MIN && b == -1;
    if (!overflow) {
      const std::int64_t rest = a % b;
      const bool down = rest != 0 && (rest < 0) != (b < 0);  // Python rounds towards minus infinity
      out = op == "//" ? a / b - down : down ? rest + b : rest;
    }
  }
  if (overflow) runtime.unsupported("whole numbers of more than 64 bits");
  return out;
}

Value arithmetic(Runtime& runtime, std::string_view op, const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole()) return whole_arithmetic(runtime, op, a.whole(), b.whole());
  const double x = a.number(), y = b.number();
  if (op == "+") return x + y;
  if (op == "-") return x - y;
  if (op == "*") return x * y;
  if (op == "**") return power(runtime, x, y);
  if (y == 0) runtime.refuse("division by zero");
  if (op == "/") return x / y;
  const double rest = std::fmod(x, y);
  const bool down = rest != 0 && (rest < 0) != (y < 0);
  if (op == "%") return down ? rest + y : rest;
  return std::floor((x - (down ? rest + y : rest)) / y + 0.5);
}

[[noreturn]] void refuse_undefined(const Runtime& runtime, const Value& a, const Value& b) {
  const Value& u = a.is_undefined() ? a : b;
  const std::string* what = u.undefined_reason();
  runtime.refuse("{}", what == nullptr ? "an undefined value is used" : *what);
}

bool less_lists(const Runtime& runtime, const ListData& a, const ListData& b) {
  for (std::size_t i = 0; i < a.items.size() && i < b.items.size(); ++i) {
    if (!equal(a.items[i], b.items[i])) return less(runtime, a.items[i], b.items[i]);
  }
  return a.items.size() < b.items.size();
}

}  // namespace

std::vector<Value> iterate(const Runtime& runtime, const Value& value) {
  std::vector<Value> out;
  if (value.is_list()) {
    const ListData& list = value.list();
    if (list.kind != ListKind::kLazy) return list.items;
    out.assign(list.items.begin() + static_cast<std::ptrdiff_t>(list.walked), list.items.end());
    list.walked = list.items.size();
  } else if (value.is_mapping()) {
    for (const auto& [key, member] : value.dict().entries()) out.push_back(key);
  } else if (value.is_text()) {
    const std::string& text = value.text();
    for (std::size_t at = 0, size = 0; at < text.size(); at += size) {
      size = utf8::size_of(text[at]);
      out.push_back(std::string_view(text).substr(at, size));
    }
  } else if (!value.is_undefined()) {
    runtime.refuse("'{}' object is not iterable", type_name(value));
  }
  return out;
}

std::int64_t length(const Runtime& runtime, const Value& value) {
  if (value.is_text()) return count_characters(value.text());
  if (value.is_list() && !value.is_lazy()) return std::ssize(value.list().items);
  if (value.is_mapping()) return static_cast<std::int64_t>(value.dict().size());
  if (!value.is_undefined()) runtime.refuse("object of type '{}' has no len()", type_name(value));
  return 0;
}

bool less(const Runtime& runtime, const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole()) return a.whole() < b.whole();
  if (a.is_number() && b.is_number()) return a.exact() < b.exact();
  if (a.is_text() && b.is_text()) return a.text() < b.text();  // UTF-8 keeps the order of code points
  if (a.is_list() && b.is_list() && a.list().kind == b.list().kind && a.list().kind != ListKind::kLazy) {
    return less_lists(runtime, a.list(), b.list());
  }
  if (a.is_undefined() || b.is_undefined()) refuse_undefined(runtime, a, b);
  runtime.refuse("'<' not supported between '{}' and '{}'", type_name(a), type_name(b));
}

bool contains(const Runtime& runtime, const Value& container, const Value& item) {
  if (container.is_text()) {
    if (!item.is_text()) {
      runtime.refuse("'in <string>' requires string as left operand, not {}", type_name(item));
    }
    return container.text().find(item.text()) != std::string::npos;
  }
  if (container.is_mapping()) return container.dict().find(item) != nullptr;
  if (container.is_list() && !container.is_lazy()) {
    const auto& items = container.list().items;
    return std::any_of(items.begin(), items.end(), [&](const Value& v) { return equal(v, item); });
  }
  if (!container.is_lazy() && !container.is_undefined()) {
    runtime.refuse("argument of type '{}' is not iterable", type_name(container));
  }
  const std::vector<Value> items = iterate(runtime, container);
  return std::any_of(items.begin(), items.end(), [&](const Value& v) { return equal(v, item); });
}

Value binary(Runtime& runtime, std::string_view op, const Value& a, const Value& b) {
  if (op == "==") return equal(a, b);
  if (op == "!=") return !equal(a, b);
  if (op == "in") return contains(runtime, b, a);
  if (op == "not in") return !contains(runtime, b, a);
  if (op == "<") return less(runtime, a, b);
  if (op == ">") return less(runtime, b, a);
  if (op == "<=") return less(runtime, a, b) || equal(a, b);
  if (op == ">=") return less(runtime, b, a) || equal(a, b);
  if (op == "~") {
    std::string out = to_text(a) + to_text(b);
    runtime.charge(out.size() / 64);
    if (out.size() > kMaxText) runtime.unsupported("a text of more than {} bytes", kMaxText);
    return out;
  }
  if (op == "%" && a.is_text()) return percent_format(runtime, a.text(), b);
  if (a.is_number() && b.is_number()) return arithmetic(runtime, op, a, b);
  if (op == "+" && a.is_text() && b.is_text()) return joined(runtime, a, b);
  if (op == "+" && a.is_list() && b.is_list() && a.list().kind == b.list().kind &&
      (a.list().kind == ListKind::kList || a.list().kind == ListKind::kTuple)) {
    std::vector<Value> out = a.list().items;
    out.insert(out.end(), b.list().items.begin(), b.list().items.end());
    runtime.charge(out.size() / 4);
    if (out.size() > kMaxText / 16) runtime.unsupported("a list of {} elements", out.size());
    return Value(std::move(out), a.list().kind);
  }
  const auto repeats = [](const Value& v) {
    return v.is_text() ||
           (v.is_list() && (v.list().kind == ListKind::kList || v.list().kind == ListKind::kTuple));
  };
  if (op == "*" && repeats(a) && b.is_whole()) return repeated(runtime, a, b.whole());
  if (op == "*" && repeats(b) && a.is_whole()) return repeated(runtime, b, a.whole());
  if (a.is_undefined() || b.is_undefined()) refuse_undefined(runtime, a, b);
  runtime.refuse("unsupported operand types for {}: '{}' and '{}'", op, type_name(a), type_name(b));
}

}  // namespace lq::jinja
