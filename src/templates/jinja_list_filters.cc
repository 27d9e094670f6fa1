#include <algorithm>

#include "templates/jinja_runtime.h"
#include "templates/jinja_text.h"
#include "unicode/case_mapping.h"

namespace lq::jinja {
namespace {

Value lazy(std::vector<Value> items) { return Value(std::move(items), ListKind::kLazy); }

// What sort and its kin compare: a member of the item, text without regard to case.
class Key {
 public:
  Key(Runtime& r, const Value* path, bool case_sensitive, const Value* fallback = nullptr)
      : r_(r), fallback_(fallback), folds_(!case_sensitive) {
    if (path == nullptr || path->is_none()) return;
    if (path->is_text()) {
      for (const std::string& part : split_text(path->text(), ",", -1)) paths_.emplace_back(part);
    } else {
      paths_.push_back(*path);
    }
  }
  Value operator()(const Value& item) const {
    r_.charge(1);
    if (paths_.empty()) return fold(item);
    std::vector<Value> members;
    for (const Value& path : paths_) members.push_back(fold(member(item, path)));
    return members.size() == 1 ? members.front() : Value(std::move(members), ListKind::kTuple);
  }
  // One member, as it is.
  Value plain(const Value& item) const { return paths_.empty() ? item : member(item, paths_.front()); }

 private:
  Value member(const Value& item, const Value& path) const {
    Value found = member_at(r_, item, path);
    return found.is_undefined() && fallback_ != nullptr ? *fallback_ : found;
  }
  Value fold(const Value& v) const { return folds_ && v.is_text() ? Value(unicode::lower(v.text())) : v; }

  Runtime& r_;
  const Value* fallback_;
  bool folds_;
  std::vector<Value> paths_;
};

// A stable sort by keys that are computed once.
std::vector<std::pair<Value, Value>> sorted(Runtime& r, std::vector<Value> items, const Key& key,
                                            bool reverse) {
  std::vector<std::pair<Value, Value>> keyed;
  for (Value& item : items) keyed.emplace_back(key(item), std::move(item));
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return reverse ? less(r, b.first, a.first) : less(r, a.first, b.first);
  });
  return keyed;
}

Value join(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "join", a, {"d", "attribute"});
  const std::string between = b[0] == nullptr ? "" : to_text(*b[0]);
  std::string out;
  bool first = true;
  for (const Value& item : iterate(r, value)) {
    if (!first) out += between;
    first = false;
    out += to_text(b[1] == nullptr || b[1]->is_none() ? item : member_at(r, item, *b[1]));
    r.charge(1 + out.size() / 4096);
  }
  return out;
}

Value sort(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "sort", a, {"reverse", "case_sensitive", "attribute"});
  std::vector<Value> out;
  for (auto& [k, item] : sorted(r, iterate(r, value), Key(r, b[2], b.flag(1, false)), b.flag(0, false))) {
    out.push_back(std::move(item));
  }
  return out;
}

Value unique(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "unique", a, {"case_sensitive", "attribute"});
  const Key key(r, b[1], b.flag(0, false));
  std::vector<Value> seen, out;
  for (const Value& item : iterate(r, value)) {
    Value k = key(item);
    r.charge(seen.size() / 8);
    if (std::any_of(seen.begin(), seen.end(), [&](const Value& s) { return equal(s, k); })) continue;
    seen.push_back(std::move(k));
    out.push_back(item);
  }
  return lazy(std::move(out));
}

Value groupby(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "groupby", a, {"attribute", "default", "case_sensitive"});
  const Key key(r, &b.required(0), b.flag(2, false), b[1]);
  std::vector<Value> groups, members;
  std::optional<Value> current;
  Value name;
  const auto close = [&] {
    if (!current) return;
    groups.emplace_back(
        ListData{{name, Value(std::move(members))}, ListKind::kTuple, {"grouper", "list"}, 0});
    members = {};
  };
  for (auto& [k, item] : sorted(r, iterate(r, value), key, false)) {
    if (!current || !equal(*current, k)) {
      close();
      current = k;
      name = key.plain(item);
    }
    members.push_back(std::move(item));
  }
  close();
  return groups;
}

Value dictsort(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "dictsort", a, {"case_sensitive", "by", "reverse"});
  if (!value.is_mapping()) r.refuse("'dictsort' of {} (expected a mapping)", type_name(value));
  const std::string by = b.text(1, "key");
  if (by != "key" && by != "value") r.refuse("You can only sort by either \"key\" or \"value\"");
  std::vector<Value> pairs;
  for (const auto& [k, v] : value.dict().entries()) {
    pairs.push_back(Value(std::vector<Value>{k, v}, ListKind::kTuple));
  }
  const Value position(std::int64_t{by == "value"});
  std::vector<Value> out;
  for (auto& [k, item] : sorted(r, std::move(pairs), Key(r, &position, b.flag(0, false)), b.flag(2, false))) {
    out.push_back(std::move(item));
  }
  return out;
}

Value items(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "items", a, {});
  if (!value.is_mapping() && !value.is_undefined()) r.refuse("Can only get item pairs from a mapping.");
  std::vector<Value> out;
  if (value.is_mapping()) {
    for (const auto& [k, v] : value.dict().entries()) {
      out.push_back(Value(std::vector<Value>{k, v}, ListKind::kTuple));
    }
  }
  return lazy(std::move(out));
}

Value map(Runtime& r, const Value& value, const Arguments& a) {
  std::vector<Value> out;
  if (!truth(value)) return lazy({});  // none is as good as an empty list, here and in select
  if (a.values.empty()) {
    const Bound b(r, "map", a, {"attribute", "default"});
    b.required(0);
    for (const Value& item : iterate(r, value)) {
      Value found = member_at(r, item, *b[0]);
      out.push_back(found.is_undefined() && b[1] != nullptr ? *b[1] : found);
      r.charge(1);
    }
    return lazy(std::move(out));
  }
  if (!a.values[0].is_text()) r.refuse("'map' takes the name of a filter, or attribute=");
  const Arguments rest{{a.values.begin() + 1, a.values.end()}, a.named};
  for (const Value& item : iterate(r, value)) {
    r.charge(1);
    out.push_back(apply_filter(r, a.values[0].text(), item, rest));
  }
  return lazy(std::move(out));
}

// select, reject, selectattr, rejectattr: [path,] test, arguments of the test
template <bool by_member, bool wanted>
Value select(Runtime& r, const Value& value, const Arguments& a) {
  std::size_t next = 0;
  const Value* path = nullptr;
  if (by_member) {
    if (a.values.empty()) r.refuse("'selectattr' takes the name of a member");
    path = &a.values[next++];
  }
  const Value* test = next < a.values.size() ? &a.values[next++] : nullptr;
  if (!truth(value)) return lazy({});
  if (test != nullptr && !test->is_text()) r.refuse("'select' takes the name of a test");
  const Arguments rest{{a.values.begin() + static_cast<std::ptrdiff_t>(next), a.values.end()}, a.named};
  std::vector<Value> out;
  for (const Value& item : iterate(r, value)) {
    r.charge(1);
    const Value subject = path == nullptr ? item : member_at(r, item, *path);
    const bool holds = test == nullptr ? truth(subject) : apply_test(r, test->text(), subject, rest);
    if (holds == wanted) out.push_back(item);
  }
  return lazy(std::move(out));
}

template <bool largest>
Value extreme(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, largest ? "max" : "min", a, {"case_sensitive", "attribute"});
  const std::vector<Value> all = iterate(r, value);
  if (all.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Key key(r, b[1], b.flag(0, false));
  const Value* best = &all.front();
  for (const Value& item : all) {
    if (largest ? less(r, key(*best), key(item)) : less(r, key(item), key(*best))) best = &item;
  }
  return *best;
}

Value sum(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "sum", a, {"attribute", "start"});
  Value total = b[1] == nullptr ? Value(std::int64_t{0}) : *b[1];
  for (const Value& item : iterate(r, value)) {
    total = binary(r, "+", total, b[0] == nullptr || b[0]->is_none() ? item : member_at(r, item, *b[0]));
  }
  return total;
}

Value batch(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "batch", a, {"linecount", "fill_with"});
  b.required(0);
  const auto size = static_cast<std::size_t>(std::clamp<std::int64_t>(b.whole(0, 1), 1, 1 << 16));
  std::vector<Value> out, row;
  for (const Value& item : iterate(r, value)) {
    if (row.size() == size) out.emplace_back(std::exchange(row, {}));
    row.push_back(item);
  }
  while (!row.empty() && b[1] != nullptr && !b[1]->is_none() && row.size() < size) row.push_back(*b[1]);
  r.charge(size);
  if (!row.empty()) out.emplace_back(std::move(row));
  return lazy(std::move(out));
}

Value first(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "first", a, {});
  if (value.is_lazy()) {
    const ListData& list = value.list();
    if (list.walked < list.items.size()) return list.items[list.walked++];
    return Value::undefined("No first item, sequence was empty.");
  }
  const std::vector<Value> all = iterate(r, value);
  return all.empty() ? Value::undefined("No first item, sequence was empty.") : all.front();
}

Value last(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "last", a, {});
  if (value.is_lazy()) r.refuse("'generator' object is not reversible");
  const std::vector<Value> all = iterate(r, value);
  return all.empty() ? Value::undefined("No last item, sequence was empty.") : all.back();
}

Value reverse(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "reverse", a, {});
  std::vector<Value> all = iterate(r, value);
  std::reverse(all.begin(), all.end());
  if (!value.is_text()) return lazy(std::move(all));
  std::string out;
  for (const Value& c : all) out += c.text();
  return out;
}

constexpr NamedFilter kListFilters[] = {
    {"join", join},
    {"sort", sort},
    {"unique", unique},
    {"groupby", groupby},
    {"dictsort", dictsort},
    {"items", items},
    {"map", map},
    {"select", select<false, true>},
    {"reject", select<false, false>},
    {"selectattr", select<true, true>},
    {"rejectattr", select<true, false>},
    {"min", extreme<false>},
    {"max", extreme<true>},
    {"sum", sum},
    {"batch", batch},
    {"first", first},
    {"last", last},
    {"reverse", reverse},
    {"list",
     [](Runtime& r, const Value& v, const Arguments& a) -> Value {
       const Bound b(r, "list", a, {});
       return iterate(r, v);
     }},
    {"length",
     [](Runtime& r, const Value& v, const Arguments& a) -> Value {
       const Bound b(r, "length", a, {});
       return length(r, v);
     }},
    {"count", [](Runtime& r, const Value& v, const Arguments&) -> Value { return length(r, v); }},
};

}  // namespace

Filter find_list_filter(std::string_view name) {
  const auto it = std::find_if(std::begin(kListFilters), std::end(kListFilters),
                               [&](const auto& f) { return f.name == name; });
  return it == std::end(kListFilters) ? nullptr : it->filter;
}

}  // namespace lq::jinja
