// The functions that every template has.
#include <algorithm>

#include "templates/jinja_runtime.h"

namespace lq::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100000;  // Jinja's own, in its sandbox

using Function = Value (*)(Runtime&, const Arguments&);

class GlobalFunction final : public Object {
 public:
  explicit GlobalFunction(Function function) : function_(function) {}
  std::string_view type_name() const override { return "function"; }
  Value call(Runtime& runtime, Arguments& arguments) override { return function_(runtime, arguments); }

 private:
  Function function_;
};

// dict(mapping or pairs, name=value ...)
std::shared_ptr<Dict> make_dict(Runtime& r, const Arguments& a) {
  auto out = std::make_shared<Dict>();
  if (a.values.size() > 1) r.refuse("dict takes not more than 1 positional argument");
  if (!a.values.empty() && a.values[0].is_mapping()) {
    for (const auto& [key, value] : a.values[0].dict().entries()) out->set(key, value);
  } else if (!a.values.empty()) {
    for (const Value& pair : iterate(r, a.values[0])) {
      const auto parts = iterate(r, pair);
      if (parts.size() != 2) r.refuse("dict of something else than pairs");
      out->set(parts[0], parts[1]);
    }
  }
  for (const auto& [name, value] : a.named) out->set(Value(name), value);
  return out;
}

Value range(Runtime& r, const Arguments& a) {
  const bool whole =
      std::all_of(a.values.begin(), a.values.end(), [](const Value& v) { return v.is_whole(); });
  if (!whole || a.values.empty() || a.values.size() > 3 || !a.named.empty()) {
    r.refuse("range takes one to three whole numbers");
  }
  const std::int64_t begin = a.values.size() == 1 ? 0 : a.values[0].whole();
  const std::int64_t end = a.values[a.values.size() == 1 ? 0 : 1].whole();
  const std::int64_t step = a.values.size() == 3 ? a.values[2].whole() : 1;
  if (step == 0) r.refuse("range step must not be zero");
  const double count =
      std::max(0.0, (static_cast<double>(end) - static_cast<double>(begin)) / static_cast<double>(step));
  if (count > static_cast<double>(kMaxRange))
    r.refuse("Range too big. The sandbox blocks ranges larger than {}.", kMaxRange);
  std::vector<Value> out;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
    r.charge(1);
    out.emplace_back(i);
    if (step > 0 ? i > INT64_MAX - step : i < INT64_MIN - step) break;
  }
  return Value(std::move(out), ListKind::kRange);
}

Value make_namespace(Runtime& r, const Arguments& a) {
  auto out = make_dict(r, a);
  for (const auto& [key, value] : out->entries()) {
    if (key.is_text() && key.text().starts_with("_")) r.refuse("the member '{}' of a namespace", key.text());
  }
  out->is_namespace = true;
  return out;
}

Value raise_exception(Runtime& r, const Arguments& a) {
  const Bound b(r, "raise_exception", a, {"message"});
  throw Error(ErrorCode::kInvalidArgument, r.place() + ": " + to_text(b.required(0)));
}

Value strftime_now(Runtime& r, const Arguments& a) {
  return format_time(r, Bound(r, "strftime_now", a, {"format"}).text(0));
}

[[noreturn]] Value not_here(Runtime& r, const Arguments&) {
  r.unsupported("a function of Jinja that is not here (lipsum, cycler, joiner)");
}

constexpr std::pair<std::string_view, Function> kFunctions[] = {
    {"range", range},
    {"dict", [](Runtime& r, const Arguments& a) -> Value { return make_dict(r, a); }},
    {"namespace", make_namespace},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
    {"lipsum", not_here},
    {"cycler", not_here},
    {"joiner", not_here},
};

}  // namespace

Value global_function(std::string_view name) {
  for (const auto& [known, function] : kFunctions) {
    if (known == name) return Value(std::shared_ptr<Object>(new GlobalFunction(function)));
  }
  return {};
}

std::string format_time(Runtime& r, const std::string& format) {
  if (format.empty()) return {};
  const std::tm now = r.now();
  // One character more, so that an empty result can be told from a buffer that is too small.
  std::string out(format.size() * 32 + 256, '\0');
  out.resize(std::strftime(out.data(), out.size(), (format + "x").c_str(), &now));
  if (out.empty()) r.unsupported("strftime of {} bytes", format.size());
  out.pop_back();
  return out;
}

}  // namespace lq::jinja
