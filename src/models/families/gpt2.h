// GPT-2: learned positions, layer norms, a plain feed-forward layer.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> gpt2();

}  // namespace lq::families
