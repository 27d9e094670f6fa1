// Phi-3, Phi-4 and Phi-4-mini: queries, keys and values in one matrix, gate and up in another.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> phi3();

}  // namespace lq::families
