// Python's methods of text.
#include <algorithm>

#include "templates/jinja_runtime.h"
#include "templates/jinja_text.h"
#include "templates/python_characters.h"
#include "unicode/case_mapping.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

Value like(const Value& self, std::string text) { return Value(std::move(text), self.is_markup()); }
Value texts(std::vector<std::string> parts, ListKind kind = ListKind::kList) {
  std::vector<Value> out;
  for (std::string& part : parts) out.emplace_back(std::move(part));
  return Value(std::move(out), kind);
}

template <bool left, bool right>
Value strip_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "strip", a, {"chars"});
  const bool given = b[0] != nullptr && !b[0]->is_none();
  return like(self, strip(self.text(), left, right, given ? std::optional(b.text(0)) : std::nullopt));
}

template <bool from_right>
Value split_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "split", a, {"sep", "maxsplit"});
  const std::int64_t most = b.whole(1, -1);
  if (b[0] == nullptr || b[0]->is_none()) {
    return texts(from_right ? split_words_from_right(self.text(), most) : split_words(self.text(), most));
  }
  const std::string separator = b.text(0);
  if (separator.empty()) r.refuse("empty separator");
  return texts(from_right ? split_text_from_right(self.text(), separator, most)
                          : split_text(self.text(), separator, most));
}

template <bool from_right>
Value partition_method(Runtime& r, const Value& self, const Arguments& a) {
  const std::string separator = Bound(r, "partition", a, {"sep"}).text(0);
  if (separator.empty()) r.refuse("empty separator");
  const std::string& s = self.text();
  const std::size_t at = from_right ? s.rfind(separator) : s.find(separator);
  if (at == std::string::npos) {
    return texts(from_right ? std::vector<std::string>{"", "", s} : std::vector<std::string>{s, "", ""},
                 ListKind::kTuple);
  }
  return texts({s.substr(0, at), separator, s.substr(at + separator.size())}, ListKind::kTuple);
}

template <bool at_end>
Value affix_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, at_end ? "endswith" : "startswith", a, {at_end ? "suffix" : "prefix"});
  const auto holds = [&](const Value& affix) {
    if (!affix.is_text())
      r.refuse("'{}' should be text, is {}", at_end ? "suffix" : "prefix", type_name(affix));
    return at_end ? self.text().ends_with(affix.text()) : self.text().starts_with(affix.text());
  };
  const Value& affix = b.required(0);
  if (!affix.is_list() || affix.list().kind != ListKind::kTuple) return holds(affix);
  const auto& items = affix.list().items;
  return std::any_of(items.begin(), items.end(), holds);
}

// Characters [start, end) of n as arguments 1 and 2 say, negative ones from the end. Beyond the text start is
// not below end, as in Python.
std::pair<std::int64_t, std::int64_t> slice_of(const Bound& b, std::int64_t n) {
  const auto at = [&](std::size_t i, std::int64_t fallback) {
    if (b[i] == nullptr || b[i]->is_none()) return fallback;
    const std::int64_t asked = b.whole(i, fallback);
    return asked < 0 ? std::max<std::int64_t>(0, asked + n) : asked;
  };
  return {at(1, 0), std::min(at(2, n), n)};
}

template <bool from_right, bool must>
Value find_part(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "find", a, {"sub", "start", "end"});
  const std::string part = b.text(0);
  const auto [start, end] = slice_of(b, count_characters(self.text()));
  std::int64_t found = -1;
  if (start <= end) {
    const std::string rest = character_range(self.text(), start, end);
    const std::size_t at = from_right ? rest.rfind(part) : rest.find(part);
    if (at != std::string::npos) found = start + count_characters(std::string_view(rest).substr(0, at));
  }
  if (must && found < 0) r.refuse("substring not found");
  return found;
}

template <Adjust adjust>
Value adjust_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "center", a, {"width", "fillchar"});
  b.required(0);
  const std::string fill = b.text(1, " ");
  if (count_characters(fill) != 1) r.refuse("the fill character must be exactly one character long");
  return like(self, adjusted(self.text(), checked_width(r, b.whole(0, 0)), fill, adjust));
}

// Does every character have the property, and is there one?
template <typename Property>
bool all_of(const std::string& text, const Property& property) {
  for (std::size_t at = 0, size = 0; at < text.size(); at += size) {
    if (!property(utf8::decode_valid(text.data() + at, size))) return false;
  }
  return !text.empty();
}
template <bool (*property)(char32_t)>
Value is_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "is...", a, {});
  return all_of(self.text(), property);
}
bool is_alphanumeric(char32_t c) { return unicode::is_letter(c) || unicode::is_number(c); }
template <bool upper>
Value case_test(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "isupper", a, {});
  return is_all_case(self.text(), upper);
}
template <std::string (*change)(std::string_view)>
Value case_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "upper", a, {});
  return like(self, change(self.text()));
}

// Beyond ASCII it is not the lower case.
Value casefold_method(Runtime& r, const Value& self, const Arguments& a) {
  const auto beyond = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  if (std::ranges::any_of(self.text(), beyond)) r.unsupported("casefold of text beyond ASCII");
  return case_method<unicode::lower>(r, self, a);
}

Value replace_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "replace", a, {"old", "new", "count"});
  const bool markup = self.is_markup();
  const std::string from = markup ? escape_html(b.text(0)) : b.text(0);
  const std::string to = markup && !b.required(1).is_markup() ? escape_html(b.text(1)) : b.text(1);
  std::string out = replace(self.text(), from, to, b.whole(2, -1));
  r.charge(out.size() / 64);
  return like(self, std::move(out));
}

Value join_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "join", a, {"iterable"});
  std::string out;
  bool first = true;
  for (const Value& part : iterate(r, b.required(0))) {
    if (!part.is_text()) r.refuse("sequence item: expected str instance, {} found", type_name(part));
    if (!first) out += self.text();
    first = false;
    out += part.text();
    r.charge(part.text().size() / 64 + 1);
  }
  return like(self, std::move(out));
}

Value count_method(Runtime& r, const Value& self, const Arguments& a) {
  const Bound b(r, "count", a, {"sub", "start", "end"});
  const std::string part = b.text(0);
  const auto [start, end] = slice_of(b, count_characters(self.text()));
  if (start > end) return std::int64_t{0};
  if (part.empty()) return end - start + 1;
  return static_cast<std::int64_t>(split_text(character_range(self.text(), start, end), part, -1).size()) - 1;
}

template <bool at_end>
Value remove_affix(Runtime& r, const Value& self, const Arguments& a) {
  const std::string affix = Bound(r, "removeprefix", a, {"affix"}).text(0);
  const std::string& s = self.text();
  if (at_end ? !s.ends_with(affix) : !s.starts_with(affix)) return self;
  return like(self, at_end ? s.substr(0, s.size() - affix.size()) : s.substr(affix.size()));
}

constexpr NamedMethod kTextMethods[] = {
    {"strip", strip_method<true, true>},
    {"lstrip", strip_method<true, false>},
    {"rstrip", strip_method<false, true>},
    {"split", split_method<false>},
    {"rsplit", split_method<true>},
    {"partition", partition_method<false>},
    {"rpartition", partition_method<true>},
    {"startswith", affix_method<false>},
    {"endswith", affix_method<true>},
    {"find", find_part<false, false>},
    {"rfind", find_part<true, false>},
    {"index", find_part<false, true>},
    {"rindex", find_part<true, true>},
    {"ljust", adjust_method<Adjust::kLeft>},
    {"rjust", adjust_method<Adjust::kRight>},
    {"center", adjust_method<Adjust::kCenter>},
    {"upper", case_method<unicode::upper>},
    {"lower", case_method<unicode::lower>},
    {"casefold", casefold_method},
    {"capitalize", case_method<unicode::capitalize>},
    {"title", case_method<unicode::title>},
    {"isspace", is_method<is_python_space>},
    {"isalpha", is_method<unicode::is_letter>},
    {"isalnum", is_method<is_alphanumeric>},
    {"isdigit", is_method<is_python_digit>},
    {"isdecimal", is_method<is_digit>},
    {"isnumeric", is_method<is_python_numeric>},
    {"isupper", case_test<true>},
    {"islower", case_test<false>},
    {"replace", replace_method},
    {"join", join_method},
    {"count", count_method},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"splitlines",
     [](Runtime& r, const Value& self, const Arguments& a) -> Value {
       return texts(split_lines(self.text(), Bound(r, "splitlines", a, {"keepends"}).flag(0, false)));
     }},
    {"zfill",
     [](Runtime& r, const Value& self, const Arguments& a) -> Value {
       const Bound b(r, "zfill", a, {"width"});
       b.required(0);
       const std::string& s = self.text();
       const bool sign = s.starts_with('-') || s.starts_with('+');
       const std::int64_t width = checked_width(r, b.whole(0, 0)) - sign;
       return s.substr(0, sign) + adjusted(s.substr(sign), width, "0", Adjust::kRight);
     }},
    {"format",
     [](Runtime& r, const Value& self, const Arguments& a) -> Value {
       return brace_format(r, self.text(), a);
     }},
};

// Methods of Python's str that are not here: refused by name instead of taken for undefined.
constexpr std::string_view kOthers[] = {"encode",      "expandtabs", "format_map", "isascii",  "isidentifier",
                                        "isprintable", "istitle",    "maketrans",  "swapcase", "translate"};

}  // namespace

std::int64_t checked_width(const Runtime& runtime, std::int64_t width) {
  constexpr std::int64_t kMost = 1 << 20;
  if (width > kMost) runtime.unsupported("text of {} characters' width", width);
  return width;
}

void refuse_unknown_method(const Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is_text() && std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers)) {
    runtime.unsupported("the method '{}' of text", name);
  }
}

Method find_text_method(std::string_view name) { return find_method(kTextMethods, name); }

}  // namespace lq::jinja
