// OLMo 2: norms after the branches, and of whole queries and keys.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> olmo2();

}  // namespace lq::families
