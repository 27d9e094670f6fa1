#include "models/tensor_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
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
    if (lq::in_block(role)) continue;
    if (name.starts_with(body)) bare.dropped_roles.push_back(role);
    strip(name);
  }
  bare.dropped_body = std::exchange(bare.body, {});
  return bare;
}

std::string TensorNames::own(const std::string& name) const {
  if (!other_head_bias.empty() && name == other_head_bias + ".bias") {
    return other_head_bias_is_idle ? std::string() : modules.at(Role::kHeadBias) + ".bias";
  }
  return begun(name, body);
}

std::string TensorNames::begun(const std::string& name, const std::string& beginning) const {
  const std::string& usual = body.empty() ? dropped_body : body;
  if (usual.empty()) return name;
  if (name.starts_with(usual)) return beginning + name.substr(usual.size());
  // A head's name has no beginning; a body's that lacks it is one of these.
  bool of_body = name.starts_with(std::string_view(block).substr(body.size()));
  for (const auto& [role, module] : modules) {
    if (lq::in_block(role)) continue;
    const bool within = body.empty() ? std::ranges::find(dropped_roles, role) != dropped_roles.end()
                                     : module.starts_with(body);
    if (!within) continue;
    const std::string_view bare = std::string_view(module).substr(body.size());
    of_body = of_body || name == bare || (name.starts_with(bare) && name[bare.size()] == '.');
  }
  return of_body ? beginning + name : name;
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
