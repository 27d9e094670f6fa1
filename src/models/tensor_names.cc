#include "models/tensor_names.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace lq {

TensorNames TensorNames::without_body() const {
  TensorNames bare = *this;
  const auto strip = [this](std::string& name) {
    if (name.starts_with(body)) name = name.substr(body.size());
  };
  strip(bare.block);
  for (auto& [role, name] : bare.modules) {
    if (!lq::in_block(role)) strip(name);
  }
  bare.dropped_body = std::exchange(bare.body, {});
  return bare;
}

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
