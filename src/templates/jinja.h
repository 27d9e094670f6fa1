// The part of Jinja 2 that chat templates of model files are written in, with the settings of transformers
// (trim_blocks, lstrip_blocks, raise_exception):
//   {% for x in e %} (else, loop.*, break, continue), {% if %}, {% set x = e %}, {% set ns.x = e %}, {# #},
//   {{ e }},
//   {% generation %} (ignored); operators, slices, inline if, `is` tests, filters and methods of strings,
//   lists and mappings: see jinja_functions.cc.
// No macros, includes, inheritance or imports: a template with them is refused, and the error names what and
// where.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace lq {

class Jinja {
 public:
  // who: names the file in errors. Throws kUnsupported for what is not covered, kCorruptFile for what is no
  // Jinja, both with the line in the template.
  Jinja(std::string_view source, const std::string& who);
  ~Jinja();
  Jinja(Jinja&&) noexcept;
  Jinja& operator=(Jinja&&) noexcept;

  // variables: an object; its members are the template's global names. Throws kInvalidArgument with the text
  // of raise_exception(...), kUnsupported for operations on values that have none, and where the template
  // runs away.
  std::string render(const nlohmann::json& variables) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace lq
