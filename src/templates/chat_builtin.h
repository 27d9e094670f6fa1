// The chat formats known by name, as Jinja.
#pragma once

#include <span>
#include <string_view>

namespace lq {

struct BuiltinTemplate {
  std::string_view name;
  std::string_view source;
};

std::span<const BuiltinTemplate> builtin_templates();

}  // namespace lq
