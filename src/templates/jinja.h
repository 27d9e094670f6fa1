// The part of Jinja 2 that chat templates of model files are written in, with the settings of transformers
// (trim_blocks, lstrip_blocks, the immutable sandbox, loop controls):
//   {% for %} (else, if, recursive, loop.*, break, continue), {% if %}, {% set %} (of names, of members of a
//   namespace, of blocks), {% macro %}, {% call %}, {% filter %}, {% with %}, {% raw %}, {% generation %},
//   {{ e }}, {# #}; operators, slices, inline if, tests, filters and Python's methods of text, lists and
//   mappings; range, dict, namespace, raise_exception, strftime_now.
// No includes, inheritance, blocks or imports: a template with them is refused, and the error names what and
// where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

struct RenderOptions {
  std::optional<std::tm> now;  // what strftime_now tells; absent: the clock, local time
  // Printing a value that is not defined is an error (kInvalidArgument), as with jinja2's StrictUndefined.
  bool strict = false;
};

// Where things stand in rendered text; positions in bytes.
struct RenderTrace {
  struct Range {
    std::size_t begin, end;
    std::int64_t message;  // index in the variable "messages", -1: none
  };
  std::vector<Range> turns;        // turns of loops over messages, inner ones before the outer ones
  std::vector<Range> generations;  // {% generation %}; message: whose turn of a loop it was in
  bool hidden = false;  // a {% generation %} was rendered inside a macro or block, apart from the text
};

class Jinja {
 public:
  // who: names the file in errors. Throws kUnsupported for what is not covered, kCorruptFile for what is no
  // Jinja, both with the line in the template.
  Jinja(std::string_view source, const std::string& who);
  ~Jinja();
  Jinja(Jinja&&) noexcept;
  Jinja& operator=(Jinja&&) noexcept;

  bool has_generation() const;  // is there a {% generation %} anywhere in it?

  // variables: an object; its members are the template's global names. Throws kInvalidArgument with the text
  // of raise_exception(...) and where Python would raise for these variables, kUnsupported for filters,
  // methods and values that we do not have, and where the template runs away. Thread-safe.
  std::string render(const nlohmann::ordered_json& variables, const RenderOptions& options = {},
                     RenderTrace* trace = nullptr) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace lq
