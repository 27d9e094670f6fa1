// Gemma 2 and Gemma 3 (its text model).
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> gemma();

}  // namespace lq::families
