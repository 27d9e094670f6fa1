// SmolLM3: every fourth layer is without rotation.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> smollm3();

}  // namespace lq::families
