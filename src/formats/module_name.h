// Names of modules and of their weights, as Hugging Face has them.
#pragma once

#include <string_view>

namespace lq {

// "model.layers.0.mlp.up_proj", the module of the weight "model.layers.0.mlp.up_proj.weight". A module's own
// name stays as it is.
inline std::string_view module_of(std::string_view name) {
  constexpr std::string_view kSuffix = ".weight";
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  return name;
}

}  // namespace lq
