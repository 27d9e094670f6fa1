// Models with experts: Mixtral and Qwen3-MoE.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> moe();

}  // namespace lq::families
