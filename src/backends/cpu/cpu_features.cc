#include "backends/cpu/cpu_features.h"

#include <hwy/targets.h>

#include <cstdint>

namespace lq::backends {

std::string simd_targets() {
  std::string names;
  for (const std::uint32_t target : hwy::SupportedAndGeneratedTargets()) {
    if (!names.empty()) names += ' ';
    names += hwy::TargetName(target);
  }
  return names;
}

std::string simd_best() {
  const auto targets = hwy::SupportedAndGeneratedTargets();
  return targets.empty() ? "none" : hwy::TargetName(targets.front());
}

}  // namespace lq::backends
