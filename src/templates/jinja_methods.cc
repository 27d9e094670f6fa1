// Python's methods of lists and mappings, and what a method is until it is called.
#include <algorithm>

#include "templates/jinja_runtime.h"

namespace lq::jinja {
namespace {

class BoundMethod final : public Object {
 public:
  BoundMethod(Value self, Method method) : self_(std::move(self)), method_(method) {}
  std::string_view type_name() const override { return "builtin_function_or_method"; }
  Value call(Runtime& runtime, Arguments& arguments) override {
    if (self_.is_text()) runtime.charge(self_.text().size() / 64);
    return method_(runtime, self_, arguments);
  }

 private:
  Value self_;
  Method method_;
};

constexpr NamedMethod kListMethods[] = {
    {"count",
     [](Runtime& r, const Value& self, const Arguments& a) -> Value {
       const Bound b(r, "count", a, {"value"});
       const auto& items = self.list().items;
       return static_cast<std::int64_t>(std::count_if(
           items.begin(), items.end(), [&](const Value& v) { return equal(v, b.required(0)); }));
     }},
    {"index",
     [](Runtime& r, const Value& self, const Arguments& a) -> Value {
       const Bound b(r, "index", a, {"value"});
       const auto& items = self.list().items;
       const auto it =
           std::find_if(items.begin(), items.end(), [&](const Value& v) { return equal(v, b.required(0)); });
       if (it == items.end()) r.refuse("{} is not in list", to_repr(*b[0]));
       return static_cast<std::int64_t>(it - items.begin());
     }},
    {"copy", [](Runtime&, const Value& self, const Arguments&) -> Value { return self.list().items; }},
};

enum class Side { kKeys, kValues, kItems };
template <Side side>
Value view_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "items", a, {});
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict().entries()) {
    out.push_back(side == Side::kKeys     ? key
                  : side == Side::kValues ? value
                                          : Value(std::vector<Value>{key, value}, ListKind::kTuple));
  }
  return Value(std::move(out), ListKind::kView);
}

constexpr NamedMethod kMappingMethods[] = {
    {"get",
     [](Runtime& r, const Value& self, const Arguments& a) -> Value {
       const Bound b(r, "get", a, {"key", "default"});
       if (const Value* found = self.dict().find(b.required(0))) return *found;
       return b[1] != nullptr ? *b[1] : Value(None{});
     }},
    {"keys", view_method<Side::kKeys>},
    {"values", view_method<Side::kValues>},
    {"items", view_method<Side::kItems>},
    {"copy",
     [](Runtime&, const Value& self, const Arguments&) -> Value {
       return std::make_shared<Dict>(self.dict());
     }},
};

}  // namespace

std::optional<Value> method_of(const Value& value, std::string_view name) {
  Method method = nullptr;
  if (value.is_text()) {
    method = find_text_method(name);
  } else if (value.is_list() &&
             (value.list().kind == ListKind::kList || value.list().kind == ListKind::kTuple)) {
    method = find_method(kListMethods, name);
    if (name == "copy" && value.list().kind == ListKind::kTuple) method = nullptr;
  } else if (value.is_mapping()) {
    method = find_method(kMappingMethods, name);
  }
  if (method == nullptr) return std::nullopt;
  return Value(std::shared_ptr<Object>(new BoundMethod(value, method)));
}

}  // namespace lq::jinja
