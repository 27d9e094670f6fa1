#include "models/tensor_names.h"

#include <fmt/format.h>

#include "base/error.h"

namespace lq {

std::string TensorNames::module(Role role, std::int64_t layer, std::int64_t expert) const {
  const auto at = modules.find(role);
  LQ_CHECK(at != modules.end(), kInternal, "[model] the family has no name for {}", role_name(role));
  LQ_CHECK(in_block(role) == (layer >= 0), kInternal, "[model] {} of layer {}", role_name(role), layer);
  if (expert >= 0) {
    return fmt::format("{}{}.{}", block, layer, fmt::format(fmt::runtime(at->second), expert));
  }
  return in_block(role) ? fmt::format("{}{}.{}", block, layer, at->second) : at->second;
}

}  // namespace lq
